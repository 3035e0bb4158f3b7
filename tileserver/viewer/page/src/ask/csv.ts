// Overlay answers as CSV (RFC 4180): a byte order mark, since spreadsheet programs read
// Chinese by it, and every figure as the server gave it.

import type { Answer } from './answer';

const header = ['shape', 'kind', 'layer', 'title', 'class', 'features', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu', 'vintage', 'generation'];

type Cell = string | number | null | undefined;

// Named is an answer and what its shape is called; problem is said where there is none.
export interface Named { name: string; answer: Answer | null; problem?: string }

// csv returns the text; title gives a layer's name in the page's language.
export function csv(shapes: Named[], title: (layer: string) => string): string {
  return table([header, ...shapes.flatMap((s) => rowsOf(s, title))]);
}

// table writes rows of cells, the header among them.
export const table = (rows: Cell[][]): string => `\uFEFF${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;

function rowsOf({ name, answer, problem }: Named, title: (layer: string) => string): Cell[][] {
  if (!answer) return [[name, 'problem', '', problem ?? '']];
  const { generation = '', aoi = {} } = answer;
  const rows: Cell[][] = [[name, 'aoi', '', '', '', '', aoi.area_m2, aoi.area_mu, aoi.area_ha, '', '', '', '', generation]];
  for (const l of answer.layers ?? []) {
    rows.push([name, 'layer', l.layer, title(l.layer), '', l.features, l.area_m2, l.area_mu, l.area_ha, l.patch_m2, l.net_m2, l.net_mu, l.vintage, generation]);
    for (const g of l.groups ?? []) rows.push([name, 'class', l.layer, title(l.layer), g.DLBM, g.features, g.area_m2, g.area_mu, '', g.patch_m2, g.net_m2, g.net_mu, l.vintage, generation]);
  }
  for (const c of answer.combinations ?? []) {
    const inside = c.inside ?? [];
    rows.push([name, 'combination', inside.join('+'), inside.map(title).join('+'), '', '', c.area_m2, '', '', '', '', '', '', generation]);
  }
  for (const f of answer.failed ?? []) {
    rows.push(typeof f === 'string' ? [name, 'failed', '', f] : [name, 'failed', f.layer, [f.key ?? f.id, f.reason ?? f.code].filter((v) => v != null).join(' '), '', '', '', '', '', '', '', '', '', generation]);
  }
  return rows;
}

// cell quotes a value. Text that a spreadsheet would take for a formula gets an
// apostrophe in front.
function cell(value: Cell): string {
  if (value == null) return '';
  let text = String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// An overlay answer as CSV (RFC 4180): a byte order mark, since spreadsheet
// programs read Chinese by it, and every figure as the server gave it.

const header = ['kind', 'layer', 'title', 'class', 'features', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu', 'generation'];

// csv returns the text; title gives a layer's name in the page's language.
export function csv(answer, title) {
  const { generation = '' } = answer;
  const rows = [header];
  const aoi = answer.aoi ?? {};
  rows.push(['aoi', '', '', '', '', aoi.area_m2, aoi.area_mu, '', '', '', '', generation]);
  for (const l of answer.layers ?? []) {
    rows.push(['layer', l.layer, title(l.layer), '', l.features, l.area_m2, l.area_mu, l.area_ha, l.patch_m2, l.net_m2, l.net_mu, generation]);
    for (const g of l.groups ?? []) rows.push(['class', l.layer, title(l.layer), g.DLBM, g.features, g.area_m2, '', '', g.patch_m2, g.net_m2, '', generation]);
  }
  for (const c of answer.combinations ?? []) {
    rows.push(['combination', (c.inside ?? []).join('+'), (c.inside ?? []).map(title).join('+'), '', '', c.area_m2, '', '', '', '', '', generation]);
  }
  return `\uFEFF${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

// cell quotes a value. Text that a spreadsheet would take for a formula gets an
// apostrophe in front.
function cell(value) {
  if (value == null) return '';
  let text = String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

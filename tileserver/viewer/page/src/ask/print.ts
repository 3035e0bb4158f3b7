// The sheet for the printer: what the card shows, with the map's picture, and below it
// where the figures come from. The style sheet hides everything else while it is there.

import type { Map as GLMap } from 'maplibre-gl';
import { h } from '../core/dom';
import { formulaText } from '../core/format';
import { t } from '../core/i18n';
import { tier } from '../core/api';
import type { Key } from '../core/words';
import type { App } from '../app';
import { origin, type Figures } from '../edition/origin';
import type { Answer } from './answer';
import { vintagesOf } from './tables';

// Printed is what a sheet is made of.
interface Printed { readonly app: App }

// printReport prints the content of the card that is open; answers are those that it shows.
export async function printReport({ app }: Printed, title: Key, answers: Answer[]): Promise<void> {
  document.getElementById('print')?.remove();
  const shown = document.querySelector('.side .card-body:not([hidden]) [data-print]') ?? document.querySelector('.side .card-body:not([hidden]) .report');
  if (!shown) return;
  const { src, text } = pictureOf(app);
  const picture = h('img', { src, alt: text });
  const sheet = h('section', { id: 'print', 'data-testid': 'print-sheet' },
    h('h1', null, t(title, { tier: t(`tier.${tier}`) })),
    h('figure', null, picture, h('figcaption', null, text)),
    copyOf(shown),
    origin(app.catalog, figuresOf(answers)));
  document.body.append(sheet);
  window.addEventListener('afterprint', () => sheet.remove(), { once: true });
  await picture.decode().catch(() => undefined); // an empty map has no picture
  window.print();
}

// pictureOf draws the map and takes what it shows, with both sides where two vintages are
// compared.
function pictureOf({ map, beside }: App): { src: string; text: string } {
  const canvas = drawnOn(map);
  const other = beside();
  if (!other) return { src: canvas.toDataURL('image/png'), text: t('print.map') };
  return { src: sideBySide(drawnOn(other.map), canvas, other.at).toDataURL('image/png'), text: t('print.map.sides', { left: other.left, right: other.right }) };
}

// drawnOn is a map's canvas with what it shows, until the end of the task.
function drawnOn(map: GLMap): HTMLCanvasElement {
  map.redraw();
  return map.getCanvas();
}

// sideBySide is one picture over another as far as at, in percent of the width, and a line
// between them.
function sideBySide(left: HTMLCanvasElement, right: HTMLCanvasElement, at: number): HTMLCanvasElement {
  const { width, height } = right;
  const edge = Math.round((width * at) / 100);
  const both = h('canvas', { width, height });
  const draw = both.getContext('2d');
  if (!draw) throw new Error('no canvas of two dimensions');
  draw.drawImage(right, 0, 0);
  if (edge > 0) draw.drawImage(left, 0, 0, (left.width * at) / 100, left.height, 0, 0, edge, height);
  draw.fillStyle = '#ffffff';
  draw.fillRect(edge - 2, 0, 4, height);
  return both;
}

// copyOf copies what is shown without what is there to be pressed; folds are open.
function copyOf(shown: Element): Element {
  const copy = shown.cloneNode(true) as Element;
  for (const el of copy.querySelectorAll('button, input, select, .report-buttons, .more, [data-screen]')) el.remove();
  for (const el of [copy, ...copy.querySelectorAll('[data-testid], [id]')]) { el.removeAttribute('data-testid'); el.removeAttribute('id'); }
  for (const el of copy.querySelectorAll('details')) el.open = true;
  return copy;
}

// figuresOf is what answers say of themselves.
function figuresOf(answers: Answer[]): Figures {
  const all = (of: (a: Answer) => string | undefined) => [...new Set(answers.map(of).filter(Boolean))].join(', ');
  return { generation: all((a) => a.generation), vintage: vintagesOf(answers), formula: all((a) => formulaText(a.formula)), program: all((a) => a.program) };
}

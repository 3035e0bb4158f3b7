// The sheet for the printer, be it asked for by a button or by the browser's own command:
// what the card in front shows with the map's picture, or the map with its legend, and below
// it where the figures come from. The style sheet hides everything else while it is there. The
// room print never makes a figure: what is on the sheet is what the page shows.

import type { App } from '../app';
import { tier, vintage } from '../core/api';
import { h, swatch, type Child } from '../core/dom';
import { formulaText } from '../core/format';
import { pick, t } from '../core/i18n';
import { origin, type Figures } from './origin';
import { pictureOf } from './picture';

// Printed is what is known of an element that can be printed. inPlace elements are printed
// where they stand, whole cards that the style sheet knows how to lay out; wide ones are
// printed across.
export interface Printed { title: () => string; figures: () => Figures; inPlace?: HTMLElement; wide?: boolean }

const known = new WeakMap<Element, Printed>();

// printable makes an element of a card what is printed of it, and returns it.
export function printable<E extends Element>(el: E, printed: Printed): E {
  known.set(el, printed);
  return el;
}

let undo: (() => void) | null = null; // takes away what was made for paper

// installPrint makes whatever prints the page print the sheet.
export function installPrint(app: App): void {
  make = () => { undo ??= front(app) ?? putSheet(sheetOf(app, document.querySelector(shownCard))); };
  window.addEventListener('beforeprint', () => make());
  window.addEventListener('afterprint', clear);
}

function clear(): void {
  undo?.();
  undo = null;
}

let make: () => void = () => undefined;

// printSheet prints what the card in front shows, now: a sheet that a browser has left behind
// goes.
export function printSheet(): void {
  clear();
  make();
  window.print();
}

const shownCard = '.side:not([hidden]) .card-body:not([hidden])';

// ownOf is the element of a card that is to be printed, with what is known of it.
function ownOf(card: Element | null): [Element, Printed] | null {
  for (const el of card ? [card, ...card.querySelectorAll('*')] : []) {
    const printed = known.get(el);
    if (printed) return [el, printed];
  }
  return null;
}

// front lays out the card in front where it stands, if it is one of those, and returns what undoes it.
function front(app: App): (() => void) | null {
  const printed = ownOf(document.querySelector(shownCard))?.[1];
  if (!printed?.inPlace) return null;
  const below = origin(app.catalog, printed.figures());
  printed.inPlace.append(below);
  document.documentElement.classList.add('printing-card');
  return () => { document.documentElement.classList.remove('printing-card'); below.remove(); };
}

function putSheet(sheet: HTMLElement): () => void {
  document.body.append(sheet);
  return () => sheet.remove();
}

// sheetOf is the sheet of a card, null of the map alone.
function sheetOf(app: App, card: Element | null): HTMLElement {
  const own = ownOf(card);
  const { generation, vintages, formula } = app.catalog;
  const figures = own?.[1].figures() ?? { generation, vintage: vintage() || (vintages[0] ?? ''), formula: formulaText(formula), program: '' };
  const tab = card && document.getElementById(`tab-${card.id}`)?.textContent;
  const { canvas, text } = pictureOf(app);
  const title = own?.[1].title() ?? t('print.of', { tier: t(`tier.${tier}`), what: tab || t('map.label') });
  return h('section', { id: 'print', class: card ? (own?.[1].wide ? 'print-wide' : '') : 'print-map', 'data-testid': 'print-sheet' },
    h('h1', null, title),
    h('figure', null, canvas, h('figcaption', null, text)),
    card ? copyOf(own?.[0] ?? card) : legend(app),
    origin(app.catalog, figures));
}

// legend lists the layers that the map shows, the uppermost first as the card of layers does.
const legend = ({ layers }: App): Child => h('ul', { class: 'print-legend' }, layers.list.filter((l) => l.visible).map((l) => h('li', null,
  h('strong', null, swatch(l.layer.entries[0]), pick(l.layer.title)),
  l.layer.entries.length > 1 && h('span', null, l.layer.entries.map((e) => h('span', { class: 'print-entry' }, swatch(e), pick(e.label) || (e.value ?? '')))))));

// copyOf copies what is shown without what is there to be pressed; folds are open. A button
// that is the name of a row or a column leaves its words.
function copyOf(shown: Element): Element {
  const copy = shown.cloneNode(true) as Element;
  for (const el of copy.querySelectorAll('.alternative-buttons, [data-screen], .report-buttons, .more, .analyses-downloads, .analyses-controls, .analyses-tabs, .analyses-layers')) el.remove();
  for (const el of copy.querySelectorAll('th button, td button, h3 button')) el.replaceWith(el.textContent ?? '');
  for (const el of copy.querySelectorAll('h3:has(+ :empty)')) el.remove();
  for (const el of copy.querySelectorAll('button, input, select, textarea')) el.remove();
  for (const el of [copy, ...copy.querySelectorAll('[data-testid], [id]')]) { el.removeAttribute('data-testid'); el.removeAttribute('id'); }
  for (const el of [copy, ...copy.querySelectorAll<HTMLElement>('[tabindex]')]) { el.removeAttribute('tabindex'); el.removeAttribute('role'); }
  for (const el of copy.querySelectorAll('details')) el.open = true;
  return copy;
}

// The sheet for the printer: what the card shows, with the map's picture, and below it
// where the figures come from. The style sheet hides everything else while it is there.

import { h, type Child } from '../core/dom';
import { formulaText } from '../core/format';
import { pick, t } from '../core/i18n';
import { tier } from '../core/api';
import type { Key } from '../core/words';
import type { App } from '../app';
import type { Answer } from './answer';

// Printed is what a sheet is made of.
interface Printed { readonly app: App }

// printReport prints the content of the card that is open; answers are those that it shows.
export async function printReport({ app }: Printed, title: Key, answers: Answer[]): Promise<void> {
  document.getElementById('print')?.remove();
  const shown = document.querySelector('.side .card-body:not([hidden]) [data-print]') ?? document.querySelector('.side .card-body:not([hidden]) .report');
  if (!shown) return;
  const picture = h('img', { src: pictureOf(app), alt: t('print.map') });
  const sheet = h('section', { id: 'print', 'data-testid': 'print-sheet' },
    h('h1', null, t(title, { tier: t(`tier.${tier}`) })),
    h('figure', null, picture, h('figcaption', null, t('print.map'))),
    copyOf(shown),
    h('dl', null, origin(app, answers)));
  document.body.append(sheet);
  window.addEventListener('afterprint', () => sheet.remove(), { once: true });
  await picture.decode().catch(() => undefined); // an empty map has no picture
  window.print();
}

// pictureOf draws the map and takes what it shows.
function pictureOf(app: App): string {
  app.map.redraw();
  return app.map.getCanvas().toDataURL('image/png');
}

// copyOf copies what is shown without what is there to be pressed; folds are open.
function copyOf(shown: Element): Element {
  const copy = shown.cloneNode(true) as Element;
  for (const el of copy.querySelectorAll('button, input, select, .report-buttons, .more, [data-screen]')) el.remove();
  for (const el of [copy, ...copy.querySelectorAll('[data-testid], [id]')]) { el.removeAttribute('data-testid'); el.removeAttribute('id'); }
  for (const el of copy.querySelectorAll('details')) el.open = true;
  return copy;
}

// origin says where the figures come from.
function origin(app: App, answers: Answer[]): Child[] {
  const all = (of: (a: Answer) => (string | undefined)[]) => [...new Set(answers.flatMap(of).filter(Boolean))].join(', ');
  const { catalog } = app;
  const facts: [Key, string][] = [
    ['print.edition', t(`tier.${tier}`)], ['print.generation', all((a) => [a.generation])], ['print.vintage', all((a) => (a.layers ?? []).map((l) => l.vintage))],
    ['print.approval', pick(catalog.approval) || t('notice.approval.none')], ['print.use', pick(catalog.use)], ['print.disclaimer', pick(catalog.disclaimer)],
    ['print.formula', all((a) => [formulaText(a.formula)])], ['print.program', all((a) => [a.program])], ['print.time', new Date().toLocaleString()],
  ];
  return facts.filter(([, text]) => text).map(([key, text]) => [h('dt', null, t(key)), h('dd', null, text)]);
}

// The answer of a job: its layers, tables and chart, what it was made of, and its forms to
// download.

import { asProblem, getBlob, hasToken, vintage } from '../core/api';
import { layerOf } from '../core/catalog';
import { h, save, scroller } from '../core/dom';
import { count, formulaText } from '../core/format';
import { joined, pick, t } from '../core/i18n';
import { fileName, fileURL, layerNamed, type Answer, type File, type Job, type Table } from '../jobs/answers';
import { drawnIn } from '../map/steps';
import { chooseVintage } from '../map/vintage';
import { yearText } from '../map/year';
import type { Figures } from '../print/origin';
import { toastProblem } from '../shell/messages';
import type { Desk } from './desk';
import { size } from './facts';
import { createGoing } from './going';
import { createTable, type TableView } from './tableview';

export interface Result {
  render(): HTMLElement;
  // show brings a row (from 0) of the table of a layer into sight, and marks it.
  show(layer: string, row: number): void;
  // figures is what a printout says that the answer is of.
  figures: () => Figures;
}

// createResult holds which table is shown, and the state of each.
export function createResult(desk: Desk, job: Job, answer: Answer): Result {
  const going = createGoing(desk, job, answer);
  const views = new Map<string, TableView>();
  const viewOf = (table: Table): TableView => {
    const known = views.get(table.name);
    if (known) return known;
    const made = createTable(table, going);
    views.set(table.name, made);
    return made;
  };
  let shown = answer.tables.find((table) => table.rows.length) ?? answer.tables[0];
  const body = h('div', { class: 'analyses-tables' });
  const draw = () => { if (shown) body.replaceChildren(tabs(answer, shown, (table) => { shown = table; draw(); }), viewOf(shown).render()); };
  return {
    render: () => {
      draw();
      return h('div', null, differs(desk, answer), layersOf(desk, job), downloads(job), notes(answer), body, identities(answer), made(answer));
    },
    figures: () => ({ generation: answer.generation, vintage: vintagesOf(answer).join(' '), formula: formulaText(answer.formula), program: answer.program }),
    show(layer, row) {
      const table = answer.tables.find((one) => one.name === tableOf(job, answer, layer));
      if (!table) return;
      shown = table;
      viewOf(table).mark(row);
      draw();
      viewOf(table).reveal();
    },
  };
}

// tableOf is the name of the table whose shapes a layer has; '' for none.
const tableOf = (job: Job, answer: Answer, layer: string): string => answer.shapes.find((s) => layerNamed(job, answer, s.table) === layer)?.table ?? '';

// vintagesOf are the vintages of what an answer is made of, the earliest first; places are
// of no account.
const vintagesOf = ({ layers }: Answer): string[] => [...new Set(layers.flatMap((l) => (l.missing || !l.vintage || l.layer === 'region' ? [] : [l.vintage])))].sort();

// yearWords says which layers of an answer are of a vintage.
const yearWords = (desk: Desk, { layers }: Answer, year: string): string => t('analyses.years.of', {
  year: yearText(year), layers: joined(layers.filter((l) => l.vintage === year && !l.missing && l.layer !== 'region').map((l) => pick(l.title) || pick(layerOf(desk.app.catalog, l.layer).title))),
});

// differs says of which vintages an answer is that compares some, or that it is of another
// vintage than the map shows of a layer that it was made of, and offers to show that; nothing
// where they agree.
function differs(desk: Desk, answer: Answer): HTMLElement | string {
  const { catalog } = desk.app;
  const { layers } = answer;
  const all = vintagesOf(answer);
  const shown = vintage() || (catalog.vintages[0] ?? '');
  if (all.length > 1) {
    return h('p', { class: 'note', 'data-testid': 'analyses-years' }, t('analyses.years', { years: joined(all.map((year) => yearWords(desk, answer, year))) }),
      all.some((year) => year.startsWith(shown)) ? '' : ` ${t('analyses.years.map', { map: yearText(shown) })}`);
  }
  for (const { layer, missing } of layers) {
    const known = catalog.layers.find((l) => l.name === layer);
    if (missing || !known || layer === 'region') continue;
    const own = layers.filter((l) => l.layer === layer && !l.missing).map((l) => l.vintage).sort();
    const onMap = drawnIn(known.vintages, vintage()) ?? vintage();
    const year = own.at(-1);
    if (!year || !onMap || own.includes(onMap)) continue;
    return h('p', { class: 'notice-line', 'data-testid': 'analyses-differs' }, t('analyses.differs', { year: yearText(year), map: yearText(onMap) }), ' ',
      h('button', { type: 'button', class: 'analyses-link', 'data-testid': 'analyses-differs-show', onclick: () => chooseVintage(catalog, year) }, t('analyses.differs.show', { year: yearText(year) })));
  }
  return '';
}

function tabs(answer: Answer, shown: Table, choose: (table: Table) => void): HTMLElement {
  return h('div', { class: 'analyses-tabs', role: 'group', 'aria-label': t('analyses.tables') }, answer.tables.map((table) => h('button', {
    type: 'button', 'aria-pressed': String(table === shown), 'data-testid': `analyses-table-${table.name}`, onclick: () => choose(table),
  }, pick(table.title), h('small', null, count(table.rows.length)))));
}

// layersOf are the layers of the job, each with what the map shows of it.
function layersOf(desk: Desk, job: Job): HTMLElement | string {
  return job.layers_made?.length && desk.app.may('tiles') ? h('section', { class: 'analyses-layers' }, h('h3', null, t('analyses.layers')), desk.overlays.rows(job)) : '';
}

function downloads(job: Job): HTMLElement {
  const files = job.results ?? [];
  const page = files.find((f) => f.form === 'html');
  return h('div', { class: 'analyses-downloads' },
    h('details', { 'data-testid': 'analyses-downloads' }, h('summary', null, t('analyses.downloads')), h('ul', null, files.map((file) => h('li', null, h('button', {
      type: 'button', 'data-testid': `analyses-file-${file.form}${file.table ? `-${file.table}` : ''}`, onclick: () => void download(job, file),
    }, h('strong', null, file.form.toUpperCase()), ' ', pick(file.title), h('small', null, size(file.bytes))))))),
    // Without a token the page opens; with one it is saved, for an address carries none.
    page && (hasToken() ? h('button', { type: 'button', class: 'analyses-print', 'data-testid': 'analyses-print', onclick: () => void download(job, page) }, t('analyses.print'))
      : h('a', { class: 'analyses-print', href: fileURL(job.id, 'html'), target: '_blank', rel: 'noopener', 'data-testid': 'analyses-print' }, t('analyses.print'))));
}

async function download(job: Job, file: File): Promise<void> {
  try {
    save(await getBlob(fileURL(job.id, file.form, file.table)), file.type, fileName(job, file));
  } catch (thrown) {
    toastProblem(asProblem(thrown));
  }
}

// shortNotes is how many notes stand open.
const shortNotes = 2;

function notes(answer: Answer): HTMLElement | string {
  const n = answer.notes.length;
  return n ? h('details', { class: 'analyses-notes', open: n <= shortNotes, 'data-testid': 'analyses-notes' }, h('summary', null, t('analyses.notes', { n })), h('ul', null, answer.notes.map((note) => h('li', null, pick(note))))) : '';
}

// toleranceM2 is how far the sides of an identity may differ.
const toleranceM2 = 0.01;

function identities({ identities: all }: Answer): HTMLElement | string {
  if (!all.length) return '';
  const open = all.filter((i) => Math.abs(i.difference_m2) > toleranceM2).length;
  const m2 = (n: number) => h('td', { class: 'number' }, h('data', { value: String(n) }, n.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })));
  return h('details', { class: 'analyses-identities', open: open > 0, 'data-testid': 'analyses-identities' },
    h('summary', { class: open ? 'off' : '' }, open ? t('analyses.identities.open', { n: all.length, open }) : t('analyses.identities', { n: all.length })),
    scroller(t('analyses.identity'), h('table', { class: 'areas' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('analyses.identity')),
      (['left', 'right', 'difference'] as const).map((side) => h('th', { scope: 'col', class: 'number' }, t(`analyses.identity.${side}`), ' (', t('analyses.unit.m2'), ')')))),
    h('tbody', null, all.map((i) => h('tr', null, h('th', { scope: 'row' }, pick(i.title)), m2(i.left_m2), m2(i.right_m2), m2(i.difference_m2)))))));
}

// made says what the answer was computed from and by what.
function made(answer: Answer): HTMLElement {
  return h('details', { class: 'analyses-about' }, h('summary', null, t('analyses.made')),
    h('p', null, pick(answer.about)),
    h('ul', null, answer.layers.map((l) => h('li', null, l.missing ? t('analyses.layer.missing', { layer: pick(l.title) || l.layer })
      : t('analyses.layer.used', { layer: pick(l.title) || l.layer, vintage: l.vintage, n: count(l.features) })))),
    h('ul', null, answer.sources.map((s) => h('li', null, pick(s)))),
    h('p', { class: 'note' }, [formulaText(answer.formula), answer.generation, `rules ${answer.rules.version}`, answer.program, answer.run].join(' · ')));
}

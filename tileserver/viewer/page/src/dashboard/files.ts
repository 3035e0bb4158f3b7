// Files of what the dashboard shows: those that the server makes, and the page on paper.

import { fileURL } from '../analyses/answers';
import { asProblem, getBlob, tierURL } from '../core/api';
import type { Catalog } from '../core/catalog';
import { h, save } from '../core/dom';
import { t } from '../core/i18n';
import { origin, type Figures } from '../edition/origin';
import { toastProblem } from '../shell/messages';
import { vintagesOf, type Desk } from './desk';
import type { Summary } from './model';
import type { Told } from './source';

async function fetchAndSave(url: string, name: string): Promise<void> {
  try {
    const blob = await getBlob(url);
    save(blob, blob.type, name);
  } catch (thrown) {
    toastProblem(asProblem(thrown));
  }
}

const button = (id: string, text: string, run: (e: Event) => void): HTMLElement => h('button', { type: 'button', 'data-testid': `dash-${id}`, onclick: run }, text);

// files are the buttons for a table of an answer as CSV, for all of it as a sheet, and for
// paper.
export function files(desk: Desk, { job, answer }: Told, table: string): HTMLElement {
  const name = `${answer.question}-${answer.run}`;
  const has = (form: string, of?: string) => job.results?.some((f) => f.form === form && f.table === of) ?? true;
  return h('div', { class: 'dash-files' },
    has('csv', table) && button('csv', t('dash.csv'), () => void fetchAndSave(fileURL(job.id, 'csv', table), `${name}-${table}.csv`)),
    has('xlsx') && button('xlsx', t('dash.xlsx'), () => void fetchAndSave(fileURL(job.id, 'xlsx'), `${name}.xlsx`)),
    button('print', t('dash.print'), (e) => print(desk.app.catalog, { generation: answer.generation, vintage: vintagesOf(answer), formula: answer.formula, program: answer.program }, e.currentTarget)));
}

// summaryFiles are the buttons for areas by place that come without an analysis.
export const summaryFiles = (desk: Desk, csv: string, { generation, formula }: Summary, vintage: string): HTMLElement => h('div', { class: 'dash-files' },
  button('csv', t('dash.csv'), () => void fetchAndSave(tierURL(csv), `summary-${generation}.csv`)), button('print', t('dash.print'), (e) => print(desk.app.catalog, { generation, vintage, formula, program: '' }, e.currentTarget)));

// print puts the dashboard alone on paper, with what it is of below.
function print(catalog: Catalog, of: Figures, from: EventTarget | null): void {
  const root = document.documentElement;
  const below = origin(catalog, of);
  (from as HTMLElement | null)?.closest('.dash')?.append(below);
  root.classList.add('printing-dashboard');
  window.addEventListener('afterprint', () => { root.classList.remove('printing-dashboard'); below.remove(); }, { once: true });
  window.print();
}

// Files of what the dashboard shows: those that the server makes, and the page on paper.

import { fileURL } from '../analyses/answers';
import { asProblem, getBlob, tierURL } from '../core/api';
import { h, save } from '../core/dom';
import { t } from '../core/i18n';
import { toastProblem } from '../shell/messages';
import type { Told } from './source';

async function fetchAndSave(url: string, name: string): Promise<void> {
  try {
    const blob = await getBlob(url);
    save(blob, blob.type, name);
  } catch (thrown) {
    toastProblem(asProblem(thrown));
  }
}

const button = (id: string, text: string, run: () => void): HTMLElement => h('button', { type: 'button', 'data-testid': `dash-${id}`, onclick: run }, text);

// files are the buttons for a table of an answer as CSV, for all of it as a sheet, and for
// paper.
export function files({ job, answer }: Told, table: string): HTMLElement {
  const name = `${answer.question}-${answer.run}`;
  const has = (form: string, of?: string) => job.results?.some((f) => f.form === form && f.table === of) ?? true;
  return h('div', { class: 'dash-files' },
    has('csv', table) && button('csv', t('dash.csv'), () => void fetchAndSave(fileURL(job.id, 'csv', table), `${name}-${table}.csv`)),
    has('xlsx') && button('xlsx', t('dash.xlsx'), () => void fetchAndSave(fileURL(job.id, 'xlsx'), `${name}.xlsx`)),
    button('print', t('dash.print'), print));
}

// summaryFiles are the buttons for areas by place that come without an analysis.
export const summaryFiles = (csv: string, generation: string): HTMLElement => h('div', { class: 'dash-files' },
  button('csv', t('dash.csv'), () => void fetchAndSave(tierURL(csv), `summary-${generation}.csv`)), button('print', t('dash.print'), print));

// print puts the dashboard alone on paper.
function print(): void {
  const root = document.documentElement;
  root.classList.add('printing-dashboard');
  window.addEventListener('afterprint', () => root.classList.remove('printing-dashboard'), { once: true });
  window.print();
}

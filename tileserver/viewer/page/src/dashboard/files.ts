// Files of what the dashboard shows: those that the server makes, and the page on paper.

import { asProblem, getBlob, tierURL } from '../core/api';
import { h, save } from '../core/dom';
import { t } from '../core/i18n';
import { fileURL } from '../jobs/answers';
import type { Figures } from '../print/origin';
import { printable, printSheet } from '../print/print';
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
  return printedAs(desk, h('div', { class: 'dash-files' },
    has('csv', table) && button('csv', t('dash.csv'), () => void fetchAndSave(fileURL(job.id, 'csv', table), `${name}-${table}.csv`)),
    has('xlsx') && button('xlsx', t('dash.xlsx'), () => void fetchAndSave(fileURL(job.id, 'xlsx'), `${name}.xlsx`)),
    button('print', t('dash.print'), printSheet)), { generation: answer.generation, vintage: vintagesOf(answer), formula: answer.formula, program: answer.program });
}

// summaryFiles are the buttons for areas by place that come without an analysis.
export const summaryFiles = (desk: Desk, csv: string, { generation, formula }: Summary, vintage: string): HTMLElement => printedAs(desk, h('div', { class: 'dash-files' },
  button('csv', t('dash.csv'), () => void fetchAndSave(tierURL(csv), `summary-${generation}.csv`)), button('print', t('dash.print'), printSheet)), { generation, vintage, formula, program: '' });

// printedAs has the dashboard printed where it stands, with what it is of below.
const printedAs = (desk: Desk, box: HTMLElement, figures: Figures): HTMLElement => printable(box, { title: () => t('dash.open'), figures: () => figures, inPlace: desk.root });

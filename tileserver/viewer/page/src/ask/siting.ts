// The question siting about the alternatives: started when the user wants it, followed to its
// end, its verdicts beside the figures.

import type { Feature } from 'geojson';
import type { App } from '../app';
import { asProblem, get, post, Problem, remove } from '../core/api';
import { h } from '../core/dom';
import { lang, t } from '../core/i18n';
import { ended, json, type Answer, type Job, type Row } from '../jobs/answers';
import { follow } from '../jobs/follow';
import { told } from '../jobs/rows';
import { busyBox, problemBox, toastProblem } from '../shell/messages';
import type { Alternative } from './alternative';

interface Offered { questions?: { name: string; answerable?: boolean }[] }

export interface Siting {
  // section is what stands below the table of the alternatives, anew; it follows what becomes
  // of the question until there is another.
  section: (kept: Alternative[]) => HTMLElement;
  // forget drops the verdicts when the alternatives have changed, and leaves the job that still judges them.
  forget: () => void;
}

interface State { busy: boolean; problem: Error | null; verdicts: Answer | null }

// createSiting asks at first whether the tier answers the question.
export function createSiting(app: App): Siting {
  let offered: boolean | null = null;
  let state: State | null = null;
  let judging = new AbortController();
  let section = { box: h('div'), kept: [] as Alternative[] };
  const offer = async () => {
    offered = false;
    if (!app.catalog.services['analyses']) return;
    try {
      const said = await get<Offered>('analyses');
      offered = (said.questions ?? []).some((q) => q.name === 'siting' && q.answerable !== false);
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.status !== 403) toastProblem(problem); // who may not ask is offered nothing
      return;
    }
    turn(state);
  };
  const turn = (to: State | null) => {
    state = to;
    const { box, kept } = section;
    box.replaceChildren(...(offered && kept.every((k) => k.asked.geometry) ? shown(state, () => void judge(kept)) : []));
  };
  const forget = () => { judging.abort(); judging = new AbortController(); turn(null); };
  const judge = async (kept: Alternative[]) => {
    forget();
    const { signal } = judging;
    turn({ busy: true, problem: null, verdicts: null });
    try {
      const verdicts = await verdictsOf(kept, signal);
      if (!signal.aborted) turn({ busy: false, problem: null, verdicts });
    } catch (thrown) {
      if (signal.aborted) return; // the alternatives have changed
      turn({ busy: false, problem: thrown instanceof Error ? thrown : asProblem(thrown), verdicts: null });
    }
  };
  return {
    forget,
    section: (kept) => {
      section = { box: h('div'), kept };
      if (offered === null) void offer();
      turn(state);
      return section.box;
    },
  };
}

// shown is what stands there in a state, null before the question; judge asks it.
function shown(state: State | null, judge: () => void): HTMLElement[] {
  const again = h('div', { class: 'report-buttons', 'data-screen': '' }, h('button', { type: 'button', 'data-testid': 'compare-siting', onclick: judge }, t('compare.siting')));
  if (!state) return [again];
  if (state.busy) return [busyBox(t('compare.siting.busy'))];
  return state.problem ? [problemBox(state.problem), again] : state.verdicts ? verdictTable(state.verdicts) : [];
}

// verdictsOf runs the job, and leaves it when signal ends the waiting and the job was not there
// before. It throws a Problem, the Error of a job that failed, or the AbortError of signal.
async function verdictsOf(kept: Alternative[], signal: AbortSignal): Promise<Answer> {
  const features = kept.map((k): Feature => ({ type: 'Feature', id: k.n + 1, properties: { alt: k.name, name: k.name }, geometry: k.asked.geometry as Feature['geometry'] }));
  // Not given up on its way: the server may have begun, and only the answer says what to leave.
  let job = await post<Job>('analyses', { question: 'siting', shapes: { type: 'FeatureCollection', features } });
  if (!ended(job.state)) {
    try {
      job = await follow(job.id, { event: () => undefined, broken: () => undefined, asked: () => undefined }, signal);
    } catch (thrown) {
      if (signal.aborted && !job.again) await leave(job.id);
      throw thrown;
    }
  }
  if (job.state !== 'done') throw failure(job);
  return json<Answer>(`analyses/${encodeURIComponent(job.id)}/result.json`, { signal });
}

// failure is why a job has no answer, and what the server advises.
const failure = ({ problem }: Job): Error => new Error(t('compare.siting.failed', {
  why: problem ? new Problem({ detail: problem.detail, remedy: problem.advice ?? '', status: 422 }).advice() : t('compare.siting.cancelled'),
}));

// leave tells the server that the page waits for a job no more, which it began: the server ends the
// job unless it is over, or another window or holder of the token has asked for it since. That it is
// gone, or that others wait for it, is nothing to tell; else the page says what went wrong.
async function leave(id: string): Promise<void> {
  try {
    await remove(`analyses/${encodeURIComponent(id)}?unless=wanted`);
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (![403, 404, 410].includes(problem.status)) toastProblem(problem);
  }
}

// verdictTable has the words of the question's own codes, and its reasons, in the page's language.
function verdictTable({ tables, rules }: Answer): HTMLElement[] {
  const table = tables.find(({ name }) => name === 'siting_sum');
  const cell = (row: Row, name: string): string => {
    const column = table?.columns.find((c) => c.name === name);
    const value = String(row[name] ?? '');
    return column ? told(column, value) : value;
  };
  const reasons = (row: Row): string[] => (lang() === 'en' && row['reasons_en'] ? cell(row, 'reasons_en').split('; ') : cell(row, 'reasons').split('；'));
  return [
    h('h3', null, t('compare.siting.title')),
    h('div', { class: 'scroll-x' }, h('table', { class: 'areas verdicts', 'data-testid': 'siting-verdicts' },
      h('thead', null, h('tr', null, [t('several.shape'), t('compare.verdict'), t('compare.reasons')].map((label) => h('th', { scope: 'col' }, label)))),
      h('tbody', null, (table?.rows ?? []).map((row) => h('tr', null,
        h('th', { scope: 'row' }, cell(row, 'alt')),
        h('td', null, h('strong', null, cell(row, 'verdict'))),
        h('td', null, h('ul', null, reasons(row).map((reason) => h('li', null, reason || '—'))), row['not_judged'] != null && h('small', null, [t('compare.unjudged'), cell(row, 'not_judged')].join(lang() === 'zh' ? '：' : ': ')))))))),
    h('p', { class: 'note' }, t('compare.siting.note', { rules: rules.version })),
  ];
}

// The question siting about the alternatives: started when the user wants it, followed to its
// end, its verdicts beside the figures.

import type { Feature } from 'geojson';
import type { App } from '../app';
import { follow } from '../analyses/follow';
import { ended, json, type Answer, type Job } from '../analyses/answers';
import { asProblem, get, post, Problem } from '../core/api';
import { h, type Child } from '../core/dom';
import { lang, t } from '../core/i18n';
import { busyBox, problemBox, toastProblem } from '../shell/messages';
import type { Alternative } from './alternative';

interface Offered { questions?: { name: string; answerable?: boolean }[] }

export interface Siting {
  // section is what stands below the table of the alternatives.
  section: (kept: Alternative[]) => Child;
  // forget drops the verdicts, when the alternatives have changed.
  forget: () => void;
}

// createSiting asks at first whether the tier answers the question; changed draws anew.
export function createSiting(app: App, changed: () => void): Siting {
  let offered: boolean | null = null;
  let state: { busy: boolean; problem: Error | null; verdicts: Answer | null } | null = null;
  let judging = new AbortController();
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
    if (offered) changed();
  };
  const forget = () => { judging.abort(); judging = new AbortController(); state = null; };
  const judge = async (kept: Alternative[]) => {
    forget();
    const { signal } = judging;
    state = { busy: true, problem: null, verdicts: null };
    changed();
    try {
      const verdicts = await verdictsOf(kept, signal);
      if (signal.aborted) return;
      state = { busy: false, problem: null, verdicts };
    } catch (thrown) {
      if (signal.aborted) return; // the alternatives have changed
      state = { busy: false, problem: thrown instanceof Error ? thrown : asProblem(thrown), verdicts: null };
    }
    changed();
  };
  return {
    forget,
    section: (kept) => {
      if (offered === null) void offer();
      if (!offered || !kept.every((k) => k.asked.geometry)) return null;
      const again = h('div', { class: 'report-buttons', 'data-screen': '' }, h('button', { type: 'button', 'data-testid': 'compare-siting', onclick: () => void judge(kept) }, t('compare.siting')));
      if (!state) return again;
      if (state.busy) return busyBox(t('compare.siting.busy'));
      return state.problem ? [problemBox(state.problem), again] : state.verdicts && verdictTable(state.verdicts);
    },
  };
}

// verdictsOf runs the job. It throws a Problem, the Error of a job that failed, or the AbortError of signal.
async function verdictsOf(kept: Alternative[], signal: AbortSignal): Promise<Answer> {
  const features = kept.map((k): Feature => ({ type: 'Feature', id: k.n + 1, properties: { alt: k.name, name: k.name }, geometry: k.asked.geometry as Feature['geometry'] }));
  let job = await post<Job>('analyses', { question: 'siting', shapes: { type: 'FeatureCollection', features } }, signal);
  if (!ended(job.state)) job = await follow(job.id, { event: () => undefined, broken: () => undefined, asked: () => undefined }, signal);
  if (job.state !== 'done') throw failure(job);
  return json<Answer>(`analyses/${encodeURIComponent(job.id)}/result.json`, { signal });
}

// failure is why a job has no answer, and what the server advises.
const failure = ({ problem }: Job): Error => new Error(t('compare.siting.failed', {
  why: problem ? new Problem({ detail: problem.detail, remedy: problem.advice ?? '', status: 422 }).advice() : t('compare.siting.cancelled'),
}));

const text = (value: unknown): string => (value == null ? '—' : String(value));

function verdictTable({ tables, rules }: Answer): Child {
  const rows = tables.find((table) => table.name === 'siting_sum')?.rows ?? [];
  return [
    h('h3', null, t('compare.siting.title')),
    h('div', { class: 'scroll-x' }, h('table', { class: 'areas verdicts', 'data-testid': 'siting-verdicts' },
      h('thead', null, h('tr', null, [t('several.shape'), t('compare.verdict'), t('compare.reasons')].map((label) => h('th', { scope: 'col' }, label)))),
      h('tbody', null, rows.map((row) => h('tr', null,
        h('th', { scope: 'row' }, text(row['alt'])),
        h('td', null, h('strong', null, text(row['verdict']))),
        h('td', null, h('ul', null, text(row['reasons']).split('；').map((reason) => h('li', null, reason))), row['not_judged'] != null && h('small', null, [t('compare.unjudged'), text(row['not_judged'])].join(lang() === 'zh' ? '：' : ': ')))))))),
    h('p', { class: 'note' }, t('compare.siting.note', { rules: rules.version })),
  ];
}

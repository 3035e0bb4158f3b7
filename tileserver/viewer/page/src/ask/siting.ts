// The question siting about the alternatives: started when the user wants it, asked after
// until it is done, its verdicts beside the figures.

import type { Feature } from 'geojson';
import type { App } from '../app';
import { asProblem, get, post } from '../core/api';
import { h, type Child } from '../core/dom';
import { lang, t } from '../core/i18n';
import { busyBox, problemBox, toastProblem } from '../shell/messages';
import type { Alternative } from './compare';

// pauseMs is between two questions of how far the job is.
const pauseMs = 700;

interface Job { id: string; state: string; error?: unknown; problem?: { detail?: string; zh?: string; en?: string } | null }
interface Verdicts { rules?: { version?: string }; tables?: { name: string; rows: Record<string, unknown>[] }[] }

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
  let state: { busy: boolean; problem: Error | null; verdicts: Verdicts | null } | null = null;
  let run = 0;
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
  const judge = async (kept: Alternative[]) => {
    const mine = ++run;
    state = { busy: true, problem: null, verdicts: null };
    changed();
    try {
      const verdicts = await verdictsOf(kept, () => mine === run);
      if (mine === run) state = { busy: false, problem: null, verdicts };
    } catch (thrown) {
      if (mine === run) state = { busy: false, problem: thrown instanceof Error ? thrown : asProblem(thrown), verdicts: null };
    }
    if (mine === run) changed();
  };
  return {
    forget: () => { run++; state = null; },
    section: (kept) => {
      if (offered === null) void offer();
      if (!offered || !kept.every((k) => k.asked.geometry)) return null;
      const again = h('div', { class: 'report-buttons', 'data-screen': '' }, h('button', { type: 'button', 'data-testid': 'compare-siting', onclick: () => void judge(kept) }, t('compare.siting')));
      if (!state) return again;
      if (state.busy) return busyBox(t('compare.siting.busy'));
      return state.problem ? [problemBox(state.problem), again] : verdictTable(state.verdicts ?? {});
    },
  };
}

// verdictsOf runs the job; null once nobody waits for it.
async function verdictsOf(kept: Alternative[], waiting: () => boolean): Promise<Verdicts | null> {
  const features = kept.map((k): Feature => ({ type: 'Feature', id: k.n + 1, properties: { alt: k.name, name: k.name }, geometry: k.asked.geometry as Feature['geometry'] }));
  let job = await post<Job>('analyses', { question: 'siting', shapes: { type: 'FeatureCollection', features } });
  while (['waiting', 'running'].includes(job.state)) {
    await new Promise((resolve) => { setTimeout(resolve, pauseMs); });
    if (!waiting()) return null;
    job = await get<Job>(`analyses/${job.id}`);
  }
  if (job.state !== 'done') throw new Error(t('compare.siting.failed', { why: whyOf(job) }));
  return get<Verdicts>(`analyses/${job.id}/result.json`);
}

const whyOf = ({ state, problem }: Job): string => (lang() === 'zh' ? problem?.zh : problem?.en) ?? problem?.detail ?? state;

const text = (value: unknown): string => (value == null ? '—' : String(value));

function verdictTable({ tables, rules }: Verdicts): Child {
  const rows = tables?.find((table) => table.name === 'siting_sum')?.rows ?? [];
  return [
    h('h3', null, t('compare.siting.title')),
    h('div', { class: 'scroll-x' }, h('table', { class: 'areas verdicts', 'data-testid': 'siting-verdicts' },
      h('thead', null, h('tr', null, [t('several.shape'), t('compare.verdict'), t('compare.reasons')].map((label) => h('th', { scope: 'col' }, label)))),
      h('tbody', null, rows.map((row) => h('tr', null,
        h('th', { scope: 'row' }, text(row['alt'])),
        h('td', null, h('strong', null, text(row['verdict']))),
        h('td', null, h('ul', null, text(row['reasons']).split('；').map((reason) => h('li', null, reason))), row['not_judged'] != null && h('small', null, [t('compare.unjudged'), text(row['not_judged'])].join(lang() === 'zh' ? '：' : ': ')))))))),
    h('p', { class: 'note' }, t('compare.siting.note', { rules: rules?.version ?? '—' })),
  ];
}

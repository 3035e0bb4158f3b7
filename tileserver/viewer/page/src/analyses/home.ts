// The list: the questions that may be asked here, and the jobs that were.

import { aborted, asProblem, type Problem } from '../core/api';
import { layerOf, type Catalog } from '../core/catalog';
import { h } from '../core/dom';
import { joined, pick, t, type Text } from '../core/i18n';
import { ended, json, type Job, type List, type Question } from '../jobs/answers';
import { forget, remembered } from '../jobs/own';
import { busyBox, problemBox } from '../shell/messages';
import type { Desk, Face } from './desk';
import { when } from './facts';

// How often the list is read again, in milliseconds: while a job is on its way, and else.
const [busyMs, restMs] = [3000, 15_000];

// Shown is what the list holds, and when it was read; again shows its jobs anew.
interface Shown { list: List | null; readMs: number; problem: unknown; all: boolean; again: () => void }

// createHome reads the list, and again while it is shown.
export function createHome(desk: Desk): Face {
  const state: Shown = { list: null, readMs: 0, problem: null, all: false, again: () => jobs.replaceChildren(...jobRows(desk, state)) };
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const jobs = h('div', { class: 'analyses-jobs', 'data-testid': 'analyses-jobs' });
  const stale = h('div', { role: 'status' });
  const face: Face = {
    render: () => {
      const { list, problem } = state;
      if (!list) return h('div', null, problem ? problemBox(asProblem(problem), { label: t('retry'), run: () => { state.problem = null; desk.again(face); void read(); } }) : busyBox(t('loading')));
      jobs.replaceChildren(...jobRows(desk, state));
      stale.replaceChildren(...staleLine(state));
      return h('div', null, h('h3', null, t('analyses.jobs')), stale, jobs, h('h3', null, t('analyses.questions')), questionRows(desk, list));
    },
    shut: () => { end.abort(); clearTimeout(timer); },
  };
  const read = async () => {
    clearTimeout(timer); // of the reading that is asked for again before its time
    try {
      if (document.hidden && state.list) return;
      const list = await json<List>('analyses', { signal: end.signal });
      const own = await ownJobs(state.list?.jobs ?? [], end.signal);
      list.jobs = [...list.jobs, ...own.jobs];
      const first = !state.list;
      const same = JSON.stringify(state.list?.jobs) === JSON.stringify(list.jobs);
      Object.assign(state, { list, problem: own.problem, readMs: own.problem && state.readMs ? state.readMs : Date.now() });
      stale.replaceChildren(...staleLine(state));
      if (first) desk.again(face);
      else if (!same) update(jobs, state);
    } catch (thrown) {
      if (aborted(thrown)) return;
      state.problem = thrown;
      if (!state.list) desk.again(face);
      else stale.replaceChildren(...staleLine(state)); // what is shown stays, and is read again
    } finally {
      if (!end.signal.aborted) timer = setTimeout(() => void read(), state.list?.jobs.some((j) => !ended(j.state)) ? busyMs : restMs);
    }
  };
  void read();
  return face;
}

// staleLine says since when the list has not been read anew, and why; nothing where it is new.
function staleLine({ readMs, problem }: Shown): HTMLElement[] {
  if (!problem) return [];
  return [h('p', { class: 'notice-line', 'data-testid': 'analyses-stale' }, t('analyses.stale', { time: when(new Date(readMs).toISOString()), why: asProblem(problem).words() }))];
}

// ownJobs are those that the tab remembers; of one that is gone, or not the tab's to see any
// more, nothing is remembered. One that cannot be read now is as it was before, where it is
// known; problem says why, of the first. It throws the AbortError of signal alone.
async function ownJobs(before: Job[], signal: AbortSignal): Promise<{ jobs: Job[]; problem: Problem | null }> {
  const problems: Problem[] = [];
  const found = await Promise.all(remembered().map((id) => json<Job>(`analyses/${encodeURIComponent(id)}`, { signal }).catch((thrown: unknown) => {
    if (aborted(thrown)) throw thrown;
    const problem = asProblem(thrown);
    if ([403, 404, 410].includes(problem.status)) {
      forget(id);
      return null;
    }
    problems.push(problem);
    return before.find((job) => job.id === id) ?? null;
  })));
  return { jobs: found.filter((job) => job !== null), problem: problems[0] ?? null };
}

// update shows the jobs anew, leaving the keyboard where it was.
function update(box: HTMLElement, state: Shown): void {
  const at = document.activeElement instanceof HTMLElement && box.contains(document.activeElement) ? document.activeElement.dataset.job : undefined;
  state.again();
  if (at) box.querySelector<HTMLElement>(`[data-job="${CSS.escape(at)}"]`)?.focus();
}

// fewJobs is how many of the jobs are listed before more are asked for.
const fewJobs = 5;

function jobRows(desk: Desk, state: Shown): HTMLElement[] {
  const jobs = state.list?.jobs ?? [];
  if (!jobs.length) return [h('p', { class: 'note' }, t('analyses.jobs.none'))];
  const shown = state.all ? jobs : jobs.slice(0, fewJobs);
  const rest = jobs.length > shown.length && h('button', { type: 'button', class: 'analyses-link', 'data-testid': 'analyses-jobs-all', onclick: () => { state.all = true; state.again(); } }, t('analyses.jobs.all', { n: jobs.length }));
  return [h('ul', null, shown.map((job) => h('li', null, h('button', { type: 'button', class: 'analyses-job', 'data-job': job.id, 'data-testid': `analyses-job-${job.id}`, onclick: () => desk.open(job) },
    h('span', { class: `analyses-state ${job.state}` }, t(`analyses.state.${job.state}`)),
    h('span', { class: 'analyses-job-title' }, pick(job.title), h('small', null, [when(job.asked), askedFor(job), !job.current && t('analyses.old')].filter(Boolean).join(' · '))),
    job.state === 'running' && job.progress?.all ? h('progress', { max: job.progress.all, value: job.progress.done ?? 0, 'aria-label': pick(job.progress.stage) }) : '')))), ...(rest ? [rest] : [])];
}

// askedFor says of a job what was asked for beside its question.
export function askedFor({ request }: Job): string {
  const by = request.by ? t(`analyses.by.${request.by}` as 'analyses.by.village') : '';
  return [by, request.place, request.from && `${request.from} → ${request.vintage || t('analyses.vintage.latest')}`, !request.from && request.vintage].filter(Boolean).join(' · ');
}

function questionRows(desk: Desk, list: List): HTMLElement {
  if (!list.questions.length) return h('p', { class: 'note', 'data-testid': 'analyses-none' }, t('analyses.none'));
  return h('ul', { class: 'analyses-questions' }, list.questions.map((q) => {
    const reason = whyNot(desk.app.catalog, q);
    return h('li', null, h('button', {
      type: 'button', class: 'analyses-question', disabled: !q.answerable, 'data-testid': `analyses-question-${q.name}`, onclick: () => desk.ask(q, list),
    }, h('strong', null, pick(q.title)), h('small', null, reason || needs(desk.app.catalog, q))));
  }));
}

const titles = (catalog: Catalog, layers: { layer: string; title?: Text }[]): string => joined(layers.map((l) => pick(l.title ?? layerOf(catalog, l.layer).title)));

// needs says which layers a question cannot do without.
export function needs(catalog: Catalog, q: Question): string {
  const needed = q.layers.filter((l) => !l.optional);
  return needed.length ? t('analyses.needs', { layers: titles(catalog, needed) }) : '';
}

// lacks says which layers that a question would use are not there.
export function lacks(catalog: Catalog, q: Question): string {
  const missing = q.layers.filter((l) => l.optional && !l.there);
  return missing.length ? t('analyses.uses.not', { layers: titles(catalog, missing) }) : '';
}

// whyNot says why a question cannot be answered; '' where it can.
export function whyNot(catalog: Catalog, q: Question): string {
  if (q.answerable) return '';
  const missing = q.layers.filter((l) => !l.optional && !l.there);
  if (missing.length) return t('analyses.missing', { layers: titles(catalog, missing) });
  if (q.twice && !q.twice.there) return t('analyses.missing.twice', { layers: titles(catalog, q.twice.layers.map((layer) => ({ layer }))) });
  return t('analyses.missing', { layers: titles(catalog, q.layers.filter((l) => !l.there)) });
}

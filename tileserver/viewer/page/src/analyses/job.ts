// A job: how far it is, while it is on its way; its answer, once it is done; why it has
// none, where it failed.

import { aborted, asProblem, open, Problem, tier, tierURL } from '../core/api';
import { h } from '../core/dom';
import { count } from '../core/format';
import { pick, t } from '../core/i18n';
import { ended, json, type Answer, type Event, type Job, type List } from '../jobs/answers';
import { follow } from '../jobs/follow';
import { forget } from '../jobs/own';
import { printable } from '../print/print';
import { busyBox, problemBox, toastProblem } from '../shell/messages';
import { backButton, type Desk, type Face } from './desk';
import { size, when } from './facts';
import { askedFor } from './home';
import { createResult, type Result } from './result';

// shownBytes is the size up to which an answer is read and shown; a larger one is for
// downloading.
const shownBytes = 64e6;

interface State { job: Job; broken: boolean; restarted: boolean; event: Event | null; problem: unknown; result: Result | null; large: boolean; bar: HTMLElement }

// createJob follows a job to its end and shows its answer; row is the one to be shown first.
export function createJob(desk: Desk, job: Job, row?: { layer: string; row: number }): Face {
  const state: State = { job, broken: false, restarted: false, event: job.progress ?? null, problem: null, result: null, large: false, bar: h('div', { class: 'analyses-progress' }) };
  const end = new AbortController();
  const face: Face = {
    id: job.id,
    render: () => render(desk, state, retry),
    shut: () => end.abort(),
    show: (layer, at) => state.result?.show(layer, at),
  };
  const again = () => desk.again(face);
  const run = async () => {
    try {
      if (!ended(state.job.state)) {
        state.job = await follow(job.id, {
          event: (e) => { took(state, e); if (e.kind === 'restarted') again(); else drawBar(state); },
          broken: (is) => { if (state.broken !== is) { state.broken = is; drawBar(state); } },
          asked: (now) => { state.job = now; state.event = now.progress ?? state.event; drawBar(state); },
        }, end.signal);
        again();
      }
      if (state.job.state !== 'done') return;
      const bytes = state.job.results?.find((f) => f.form === 'json')?.bytes ?? 0;
      if (bytes > shownBytes) state.large = true;
      else state.result = createResult(desk, state.job, await json<Answer>(`analyses/${encodeURIComponent(job.id)}/result.json`, { signal: end.signal }));
      // The first alone: several of one answer lie over each other.
      const [layer] = state.job.layers_made ?? [];
      if (layer && desk.app.may('tiles')) desk.overlays.put(state.job, layer).catch((thrown: unknown) => toastProblem(asProblem(thrown)));
      again();
      if (row) state.result?.show(row.layer, row.row);
    } catch (thrown) {
      if (aborted(thrown)) return;
      if (asProblem(thrown).status === 404) forget(job.id);
      state.problem = thrown;
      again();
    }
  };
  const retry = () => { state.problem = null; again(); void run(); };
  void run();
  return face;
}

// took puts an event into the state.
function took(state: State, e: Event): void {
  if (e.kind === 'restarted') state.restarted = true;
  if (e.kind === 'gone') throw new Problem({ status: 404, detail: t('analyses.gone') });
  if (e.kind === 'progress') state.event = e;
  if (e.kind === 'waiting' || e.kind === 'running' || e.kind === 'progress') state.job = { ...state.job, state: e.kind === 'waiting' ? 'waiting' : 'running' };
}

function render(desk: Desk, state: State, retry: () => void): HTMLElement {
  const { job } = state;
  const face = h('article', { 'data-testid': 'analyses-result', 'data-state': job.state, 'data-job': job.id },
    backButton(desk),
    h('h2', null, pick(job.title)),
    h('p', { class: 'note' }, [when(job.asked), askedFor(job), !job.current && t('analyses.old')].filter(Boolean).join(' · ')),
    state.restarted && h('p', { class: 'notice-line', 'data-testid': 'analyses-restarted' }, t('analyses.restarted')),
    state.problem ? problemBox(asProblem(state.problem), { label: t('retry'), run: retry })
      : !ended(job.state) ? progress(state)
        : job.state === 'failed' ? failure(job)
          : job.state === 'cancelled' ? h('p', { class: 'notice-line' }, t('analyses.state.cancelled')) : answer(state),
    actions(desk, state));
  return state.result ? printable(face, { title: () => t('print.of', { tier: t(`tier.${tier}`), what: pick(job.title) }), figures: state.result.figures, wide: true }) : face;
}

function answer(state: State): HTMLElement {
  const bytes = size(state.job.results?.find((f) => f.form === 'json')?.bytes ?? 0);
  if (state.large) return h('p', { class: 'notice-line', 'data-testid': 'analyses-large' }, t('analyses.large', { size: bytes }));
  return state.result ? state.result.render() : busyBox(t('analyses.reading', { size: bytes }));
}

// progress says how far a job is, in an element that stays: what has the keyboard beside it
// keeps it.
function progress(state: State): HTMLElement {
  drawBar(state);
  return state.bar;
}

function drawBar({ job, event, broken, bar }: State): void {
  const stage = event && pick(event.stage);
  const words = job.state === 'waiting' ? [t('analyses.state.waiting'), job.ahead ? t('analyses.ahead', { n: job.ahead }) : ''].filter(Boolean).join(' · ')
    : !stage ? t('analyses.state.running') : event.all ? t('analyses.stage', { stage, done: count(event.done ?? 0), all: count(event.all) }) : t('analyses.stage.bare', { stage });
  const parts = [
    h('progress', { ...(job.state === 'running' && event?.all ? { max: event.all, value: event.done ?? 0 } : {}), 'aria-label': t(`analyses.state.${job.state}`), 'data-testid': 'analyses-bar' }),
    h('p', { role: 'status', 'data-testid': 'analyses-stage' }, words),
    ...(broken ? [h('p', { class: 'notice-line', 'data-testid': 'analyses-broken' }, t('analyses.broken'))] : []),
  ];
  bar.replaceChildren(...parts);
}

// failure is why a job failed, in the server's words.
function failure(job: Job): HTMLElement {
  const p = job.problem;
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'problem' },
    h('strong', null, p?.detail ?? t('analyses.state.failed')), p?.advice && h('p', null, p.advice), p?.code && h('code', null, p.code));
}

// actions are what can be done with a job: cancelled or removed, asked anew.
function actions(desk: Desk, { job }: State): HTMLElement {
  const over = ended(job.state);
  const remove = async () => {
    try {
      await open(tierURL(`analyses/${encodeURIComponent(job.id)}`), { method: 'DELETE' });
      if (over) desk.overlays.removeJob(job.id);
      forget(job.id);
      desk.home();
    } catch (thrown) {
      toastProblem(asProblem(thrown));
    }
  };
  const again = async () => {
    try {
      const list = await json<List>('analyses');
      const question = list.questions.find((q) => q.name === job.question);
      if (question) desk.ask(question, list, job.request);
    } catch (thrown) {
      toastProblem(asProblem(thrown));
    }
  };
  return h('div', { class: 'analyses-buttons' },
    over && h('button', { type: 'button', 'data-testid': 'analyses-again', onclick: () => void again() }, t('analyses.again')),
    h('button', { type: 'button', 'data-testid': 'analyses-cancel', onclick: () => void remove() }, t(over ? 'analyses.remove' : 'analyses.cancel')));
}


// Where the dashboard's figures come from: analyses, kept by the server so that the same
// question is answered at once, or GET /summary where the tier answers no analyses.

import { asProblem, Problem } from '../core/api';
import { pick, t } from '../core/i18n';
import { may } from '../core/me';
import type { Answer, Ask, Job, List } from '../jobs/answers';
import { ended, json, start } from '../jobs/answers';
import { follow } from '../jobs/follow';
import { remember } from '../jobs/own';
import type { Summary } from './model';

// Told is an answer with the job that it is of.
export interface Told { job: Job; answer: Answer }

// offered lists the questions; null where the tier answers none at all. Other faults are
// thrown as a Problem.
export async function offered(signal: AbortSignal): Promise<List | null> {
  if (!may('analyses')) return null;
  try {
    return await json<List>('analyses', { signal });
  } catch (thrown) {
    if ([403, 404, 501].includes(asProblem(thrown).status)) return null;
    throw thrown;
  }
}

// run asks a question and returns its answer; progress is told in words how far it is. It
// throws a Problem, or the AbortError of signal.
export async function run(ask: Ask, progress: (text: string) => void, signal: AbortSignal): Promise<Told> {
  let job = await start(ask);
  remember(job.id);
  if (!ended(job.state)) {
    progress(job.ahead ? t('dash.ahead', { n: job.ahead }) : t('dash.running'));
    job = await follow(job.id, {
      event: (e) => progress(e.stage ? `${pick(e.stage)}${e.all ? ` ${e.done ?? 0} / ${e.all}` : ''}` : t('dash.running')),
      broken: (is) => { if (is) progress(t('dash.broken')); },
      asked: () => undefined,
    }, signal);
  }
  if (job.state !== 'done') throw new Problem({ status: 422, code: job.problem?.code ?? job.state, title: t('dash.failed'), detail: [job.problem?.detail ?? t('dash.cancelled'), job.problem?.advice].filter(Boolean).join(' ') });
  return { job, answer: await json<Answer>(`analyses/${encodeURIComponent(job.id)}/result.json`, { signal }) };
}

// summaryPath is the address below the tier of the areas by place.
export function summaryPath(by: string, place: string, layer: string, vintage: string, form: string): string {
  const query = new URLSearchParams({ by, layers: layer, f: form });
  if (place) query.set('place', place);
  if (vintage) query.set('vintage', vintage);
  if (form === 'csv') query.set('kind', 'total');
  return `summary?${query.toString()}`;
}

// summary asks for the areas by place without an analysis.
export const summary = (by: string, place: string, layer: string, vintage: string, signal: AbortSignal): Promise<Summary> => json<Summary>(summaryPath(by, place, layer, vintage, 'json'), { signal });

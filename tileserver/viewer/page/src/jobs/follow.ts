// Following a job to its end: by its stream of events, and where that breaks by asking for
// the job itself, until the stream comes again.

import { aborted, asProblem, open, tierURL } from '../core/api';
import { ended, json, type Event, type Job } from './answers';
import { createParser } from './stream';

// silentMs is after how long without a byte a stream counts as broken; the server says
// that it is there every ten seconds.
const silentMs = 25_000;

// longestMs is the longest pause before the stream is tried again.
const longestMs = 15_000;

export interface Follower {
  // event is told each event, once; what is behind a broken stream comes with the next.
  event: (event: Event) => void;
  // broken is told true when the job is asked for in place of its stream, and false when that is back.
  broken: (is: boolean) => void;
  // asked is told the job as it was when the stream was broken.
  asked: (job: Job) => void;
}

// follow returns the job once it is over. It throws a Problem when the job is gone or not
// the user's to see, or the AbortError of signal.
export async function follow(id: string, follower: Follower, signal: AbortSignal): Promise<Job> {
  const at = `analyses/${encodeURIComponent(id)}`;
  const told = { last: '', retryMs: 2000 };
  for (let failures = 0; ;) {
    signal.throwIfAborted(); // also before it begins: an end that is over is told nobody any more
    let came = false;
    try {
      await stream(`${at}/events`, told, (e) => {
        if (!came) follower.broken(false);
        came = true;
        follower.event(e);
      }, signal);
    } catch (thrown) {
      if (aborted(thrown) && signal.aborted) throw thrown;
      const problem = asProblem(thrown);
      if (!aborted(thrown) && !problem.passing()) throw problem;
    }
    const job = await look(at, signal);
    if (job && ended(job.state)) return job;
    failures = came ? 0 : failures + 1;
    follower.broken(true);
    if (job) follower.asked(job);
    await pause(Math.min(told.retryMs * 2 ** failures, longestMs), signal);
  }
}

// look asks for a job; null where there is no answer now.
async function look(at: string, signal: AbortSignal): Promise<Job | null> {
  try {
    return await json<Job>(at, { signal });
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const problem = asProblem(thrown);
    if (!problem.passing()) throw problem;
    return null;
  }
}

// stream reads events behind the last one until the stream ends or is silent.
async function stream(path: string, told: { last: string; retryMs: number }, event: (event: Event) => void, signal: AbortSignal): Promise<void> {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener('abort', stop);
  let timer = setTimeout(stop, silentMs);
  try {
    const answer = await open(tierURL(path), { signal: own.signal, headers: { Accept: 'text/event-stream', ...(told.last ? { 'Last-Event-ID': told.last } : {}) } });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const parse = createParser((message) => { told.last = message.id; event({ kind: message.event, ...(JSON.parse(message.data) as object) }); }, (ms) => { told.retryMs = ms; });
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, silentMs);
      parse(piece.value);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    own.abort();
  }
}

// pause waits, or throws the AbortError of signal.
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => { clearTimeout(timer); reject(signal.reason as Error); };
    const timer = setTimeout(() => { signal.removeEventListener('abort', gone); resolve(); }, ms);
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone, { once: true });
  });
}

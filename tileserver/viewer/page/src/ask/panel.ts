// Asking how much of each layer lies inside a shape, a place or the shapes of a file, and
// keeping the answer on the page.

import type { Geometry } from 'geojson';
import type { App } from '../app';
import { aborted, onVintage, Problem, vintage } from '../core/api';
import { h, type Child } from '../core/dom';
import { area, muOf } from '../core/format';
import { extentOf } from '../core/geometry';
import { onLang, t } from '../core/i18n';
import { fit, reveal, setShape } from '../map/map';
import { yearText } from '../map/year';
import { createCard } from '../shell/cards';
import { busyBox, problemBox } from '../shell/messages';
import { createCompare } from './compare';
import type { Answer, Asked } from './answer';
import type { Context } from './context';
import { faultBox, namesOf, readChosen } from './files/choose';
import type { Question } from './files/read';
import { askable, jobOf, measured, whole, type Job } from './jobs';
import { createPieces } from './pieces';
import { report } from './report';
import { canReshape, createReshape } from './reshape';
import { list } from './several';

export { pickPlace } from './pick';

export interface Panel {
  // ask measures and shows; it resolves with the answer once it is on the page, and throws
  // the Problem once that is.
  ask: (asked: Asked) => Promise<Answer>;
  // files reads what was dropped or chosen, and measures it.
  files: (files: File[]) => Promise<void>;
  close: () => void;
  // taken tells whether a click on the map belongs to what the room shows there.
  taken: (point: { x: number; y: number }) => boolean;
}

// createPanel makes the card; again chooses another file, redraw draws.
export function createPanel(app: App, redraw: () => void, again: () => void): Panel {
  const card = createCard('overlay', 'side.overlay');
  const pieces = createPieces(app);
  const compare = createCompare(app);
  const reshape = createReshape(app.map, {
    moving: () => { request?.abort(); card.body.firstElementChild?.toggleAttribute('inert', true); },
    changed: (geometry) => void remeasure(geometry),
    done: () => { show(); (card.body.querySelector<HTMLElement>('[data-testid="overlay-reshape"]') ?? card.body).focus(); },
  });
  let current: Job | null = null;
  let request: AbortController | null = null;

  const context: Context = {
    app, pieces, redraw, nextName: compare.nextName, keep: compare.keep,
    canReshape, reshaping: reshape.busy, unshape: () => (reshape.undoable() ? reshape.undo : null),
    reshape: (asked) => {
      if (reshape.busy()) { reshape.done(); return; }
      reshape.begin(asked);
      show();
    },
  };
  const clear = () => { request?.abort(); current = null; pieces.clear(); reshape.stop(); setShape(app.map, 'aoi', null); };
  const show = () => { if (current) card.fill(render(current)); };
  const open = (job: Job, i: number | null) => {
    job.open = i;
    reshape.stop();
    const item = i === null ? null : job.several?.items[i];
    setShape(app.map, 'aoi', item ? item.asked.geometry ?? null : whole(job));
    show();
    card.body.scrollTop = 0;
    if (item?.asked.geometry) reveal(app.map, extentOf(item.asked.geometry));
  };

  const render = (job: Job): Child => {
    const { problem, several, open: at, reading } = job;
    if (job.fault) return faultBox(reading, job.fault, again);
    if (reading) return busyBox(t('file.reading', { name: reading }));
    if (problem) return [problemBox(problem, againOf(job)), job.file && h('div', { class: 'report-buttons' }, h('button', { type: 'button', onclick: again }, t('file.another')))];
    if (several) {
      const item = at === null ? undefined : several.items[at];
      pieces.clear();
      if (!item?.answer) return [asProposed(job), list(context, several, (i) => open(job, i), (i) => setShape(app.map, 'aoi', i === null ? whole(job) : several.items[i]?.asked.geometry ?? null))];
      return [h('button', { type: 'button', class: 'link back', 'data-testid': 'several-back', onclick: () => open(job, null) }, `‹ ${t('several.back')}`), report(context, item.asked, item.answer)];
    }
    return job.answer ? report(context, job.asked, job.answer) : busyBox(t('overlay.busy'));
  };

  // againOf offers what may do better: the same again, or the zone that the server proposes.
  const againOf = (job: Job) => {
    const { file, crs } = job;
    if (file && crs) return { label: t('file.as', { crs }), run: () => void sendFile({ ...file.question, crs }) };
    return job.problem instanceof Problem && job.problem.passing() && { label: t('retry'), run: job.again };
  };

  const asProposed = (job: Job): Child => {
    const other = job.crs ? againOf(job) : null;
    return other && h('div', { class: 'report-buttons' }, h('button', { type: 'button', class: 'strong', 'data-testid': 'file-as', onclick: other.run }, other.label));
  };

  const start = (job: Job): AbortController => {
    card.close();
    const mine = new AbortController();
    request = mine;
    current = job;
    setShape(app.map, 'aoi', job.asked.geometry ?? null);
    card.open(render(job), clear);
    return mine;
  };

  async function ask(asked: Asked): Promise<Answer> {
    const job = jobOf(asked, () => void ask(asked).catch(() => undefined));
    const mine = start(job);
    if (asked.geometry) reveal(app.map, extentOf(asked.geometry));
    await measured(app.catalog, job, mine.signal);
    if (current === job) show();
    if (job.problem) throw job.problem;
    return job.answer as Answer;
  }

  // remeasure measures a shape whose corners were changed. The figures before stand, and cannot
  // be used, until those of the new shape are there.
  async function remeasure(geometry: Geometry): Promise<void> {
    request?.abort();
    const mine = new AbortController();
    request = mine;
    const job = jobOf({ geometry }, () => void remeasure(geometry));
    current = job;
    pieces.clear();
    try {
      await measured(app.catalog, job, mine.signal);
    } catch (thrown) {
      if (aborted(thrown)) return; // changed once more
      throw thrown;
    }
    const aoi = job.answer?.aoi;
    reshape.told(job.problem ? job.problem.message : t('overlay.now', { mu: area(aoi?.area_mu ?? muOf(aoi?.area_m2)) }));
    if (current === job) show();
  }

  // sendFile measures what was read of a file.
  async function sendFile(question: Question): Promise<void> {
    const job = jobOf({ geometry: null, name: question.title }, () => void sendFile(question), question);
    const mine = start(job);
    try {
      await measured(app.catalog, job, mine.signal);
    } catch (thrown) {
      if (aborted(thrown)) return;
      throw thrown;
    }
    if (current === job) arrived(job);
  }

  // anew measures what is shown in the vintage that the page has turned to, and leaves the
  // map, the shape that is open and the place in the card as they are.
  async function anew(job: Job): Promise<void> {
    const { open: at } = job;
    const { scrollTop } = card.body;
    request?.abort();
    const mine = new AbortController();
    request = mine;
    Object.assign(job, { answer: null, several: null, problem: null, open: null });
    pieces.clear();
    card.fill(busyBox(t('overlay.anew', { vintage: yearText(vintage()) })));
    try {
      await measured(app.catalog, job, mine.signal);
    } catch (thrown) {
      if (aborted(thrown)) return; // another vintage, or another shape
      throw thrown;
    }
    job.open = at;
    show();
    card.body.scrollTop = scrollTop;
  }

  const arrived = (job: Job) => {
    if (job.several?.items.length === 1 && job.several.items[0]?.answer) job.open = 0;
    const all = whole(job);
    setShape(app.map, 'aoi', all);
    show();
    const extent = all && extentOf(all);
    if (extent && extent.every(Number.isFinite)) fit(app.map, extent);
  };

  async function files(chosen: File[]): Promise<void> {
    card.close();
    const job: Job = { ...jobOf({}, () => void files(chosen)), reading: namesOf(chosen) };
    current = job;
    card.open(render(job), clear);
    try {
      const question = await readChosen(chosen, app.catalog.limits);
      if (current === job) await sendFile(question);
    } catch (thrown) {
      job.fault = thrown;
      if (current === job) show();
    }
  }

  onLang(show);
  onVintage(() => { if (current && askable(current)) void anew(current); });
  return {
    ask, files, close: () => card.close(),
    taken: (point) => reshape.busy() || pieces.taken(point),
  };
}

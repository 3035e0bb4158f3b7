// Asking how much of each layer lies inside a shape, a place or the shapes of a file, and
// keeping the answer on the page.

import type { Geometry } from 'geojson';
import type { App } from '../app';
import { aborted, onVintage, vintage } from '../core/api';
import { area, muOf } from '../core/format';
import { extentOf } from '../core/geometry';
import { onLang, t } from '../core/i18n';
import { namesOf, readChosen } from '../files/choose';
import type { Question } from '../files/read';
import { fit, reveal, setShape } from '../map/map';
import { yearText } from '../map/year';
import { createCard } from '../shell/cards';
import { busyBox } from '../shell/messages';
import type { Answer, Asked } from './answer';
import { createCompare } from './compare';
import type { Context } from './context';
import { askable, jobOf, measured, whole, type Job } from './jobs';
import { createPieces } from './pieces';
import { canReshape, createReshape, type Reshape } from './reshape';
import { clear, render, show, type Room } from './shown';

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

// createPanel makes the card; another chooses another file, redraw draws.
export function createPanel(app: App, redraw: () => void, another: () => void): Panel {
  const room = createRoom(app, redraw, another);
  const { card, pieces, reshape } = room;
  onLang(() => show(room));
  onVintage(() => { if (room.current && askable(room.current)) void anew(room, room.current); });
  return {
    ask: (asked) => ask(room, asked), files: (chosen) => files(room, chosen), close: () => card.close(),
    taken: (point) => reshape.busy() || pieces.taken(point),
  };
}

function createRoom(app: App, redraw: () => void, another: () => void): Room {
  const card = createCard('overlay', 'side.overlay');
  const pieces = createPieces(app);
  const { keep, nextName } = createCompare(app);
  const reshape = createReshape(app.map, {
    moving: () => { room.request?.abort(); card.body.firstElementChild?.toggleAttribute('inert', true); },
    changed: (geometry) => void remeasure(room, geometry),
    done: () => { show(room); (card.body.querySelector<HTMLElement>('[data-testid="overlay-reshape"]') ?? card.body).focus(); },
  });
  const context: Context = { app, pieces, redraw, nextName, keep, ...reshaping(reshape, () => show(room)) };
  const room: Room = { app, card, pieces, reshape, context, another, measureFile: (question) => void measureFile(room, question), current: null, request: null };
  return room;
}

// reshaping is what a report reaches of the corners.
const reshaping = (reshape: Reshape, changed: () => void): Pick<Context, 'canReshape' | 'reshaping' | 'unshape' | 'reshape'> => ({
  canReshape, reshaping: reshape.busy, unshape: () => (reshape.undoable() ? reshape.undo : null),
  reshape: (asked) => {
    if (reshape.busy()) { reshape.done(); return; }
    reshape.begin(asked);
    changed();
  },
});

// begun is a request in the stead of the one before.
function begun(room: Room): AbortSignal {
  room.request?.abort();
  room.request = new AbortController();
  return room.request.signal;
}

// opened opens the card for a question.
function opened(room: Room, job: Job): AbortSignal {
  room.card.close();
  const signal = begun(room);
  room.current = job;
  setShape(room.app.map, 'aoi', job.asked.geometry ?? null);
  room.card.open(render(room, job), () => clear(room));
  return signal;
}

// waitedFor tells whether the answer is there, and somebody still waits for it.
async function waitedFor(room: Room, job: Job, signal: AbortSignal): Promise<boolean> {
  try {
    await measured(room.app.catalog, job, signal);
    return true;
  } catch (thrown) {
    if (aborted(thrown)) return false; // another shape or vintage, or the card is shut
    throw thrown;
  }
}

async function ask(room: Room, asked: Asked): Promise<Answer> {
  const job = jobOf(asked, () => void ask(room, asked).catch(() => undefined));
  const signal = opened(room, job);
  if (asked.geometry) reveal(room.app.map, extentOf(asked.geometry));
  await measured(room.app.catalog, job, signal);
  if (room.current === job) show(room);
  if (job.problem) throw job.problem;
  return job.answer as Answer;
}

// remeasure measures a shape whose corners were changed. The figures before stand, and cannot
// be used, until those of the new shape are there.
async function remeasure(room: Room, geometry: Geometry): Promise<void> {
  const signal = begun(room);
  const job = jobOf({ geometry }, () => void remeasure(room, geometry));
  room.current = job;
  room.pieces.clear();
  if (!await waitedFor(room, job, signal)) return;
  const aoi = job.answer?.aoi;
  room.reshape.told(job.problem ? job.problem.message : t('overlay.now', { mu: area(aoi?.area_mu ?? muOf(aoi?.area_m2)) }));
  if (room.current === job) show(room);
}

// measureFile measures what was read of a file.
async function measureFile(room: Room, question: Question): Promise<void> {
  const job = jobOf({ geometry: null, name: question.title }, () => void measureFile(room, question), question);
  const signal = opened(room, job);
  if (await waitedFor(room, job, signal) && room.current === job) arrived(room, job);
}

// arrived shows the answer about a file, and goes to its shapes.
function arrived(room: Room, job: Job): void {
  if (job.several?.items.length === 1 && job.several.items[0]?.answer) job.open = 0;
  const all = whole(job);
  setShape(room.app.map, 'aoi', all);
  show(room);
  const extent = all && extentOf(all);
  if (extent && extent.every(Number.isFinite)) fit(room.app.map, extent);
}

// anew measures what is shown in the vintage that the page has turned to, and leaves the
// map, the shape that is open and the place in the card as they are.
async function anew(room: Room, job: Job): Promise<void> {
  const { open } = job;
  const { scrollTop } = room.card.body;
  const signal = begun(room);
  Object.assign(job, { answer: null, several: null, problem: null, open: null });
  room.pieces.clear();
  room.card.fill(busyBox(t('overlay.anew', { vintage: yearText(vintage()) })));
  if (!await waitedFor(room, job, signal)) return;
  job.open = open;
  show(room);
  room.card.body.scrollTop = scrollTop;
}

// files reads files, and measures what is in them.
async function files(room: Room, chosen: File[]): Promise<void> {
  room.card.close();
  const job: Job = { ...jobOf({}, () => void files(room, chosen)), reading: namesOf(chosen) };
  room.current = job;
  room.card.open(render(room, job), () => clear(room));
  try {
    const question = await readChosen(chosen, room.app.catalog.limits);
    if (room.current === job) await measureFile(room, question);
  } catch (thrown) {
    job.fault = thrown;
    if (room.current === job) show(room);
  }
}

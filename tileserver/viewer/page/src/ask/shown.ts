// What the card of the room shows of a question, and what can be done with it there.

import type { App } from '../app';
import { Problem } from '../core/api';
import { h, type Child } from '../core/dom';
import { extentOf } from '../core/geometry';
import { t } from '../core/i18n';
import { faultBox } from '../files/choose';
import type { Question } from '../files/read';
import { reveal, setShape } from '../map/map';
import type { Card } from '../shell/cards';
import { busyBox, problemBox, type Action } from '../shell/messages';
import type { Context } from './context';
import { whole, type Job } from './jobs';
import type { Pieces } from './pieces';
import { report } from './report';
import type { Reshape } from './reshape';
import { list, type Several } from './several';

// Room is what the parts of asking share. current is what the card shows, null where it is
// shut; request is the last that was sent.
export interface Room {
  readonly app: App;
  readonly card: Card;
  readonly pieces: Pieces;
  readonly reshape: Reshape;
  readonly context: Context;
  readonly another: () => void; // chooses another file
  readonly measureFile: (question: Question) => void;
  current: Job | null;
  request: AbortController | null;
}

// show draws the card anew.
export function show(room: Room): void {
  if (room.current) room.card.fill(render(room, room.current));
}

// clear takes all away that the room shows on the map, once the card is shut.
export function clear(room: Room): void {
  room.request?.abort();
  room.current = null;
  room.pieces.clear();
  room.reshape.stop();
  setShape(room.app.map, 'aoi', null);
}

// render is a question on its way, its answer, or what is wrong with it.
export function render(room: Room, job: Job): Child {
  const { problem, several, reading } = job;
  if (job.fault) return faultBox(reading, job.fault, room.another);
  if (reading) return busyBox(t('file.reading', { name: reading }));
  if (problem) return [problemBox(problem, againOf(room, job)), job.file && h('div', { class: 'report-buttons' }, h('button', { type: 'button', onclick: room.another }, t('file.another')))];
  if (several) return renderSeveral(room, job, several);
  return job.answer ? report(room.context, job.asked, job.answer) : busyBox(t('overlay.busy'));
}

// renderSeveral is the list of a file's shapes, or the one of them that is open.
function renderSeveral(room: Room, job: Job, several: Several): Child {
  const { map } = room.app;
  const item = job.open === null ? undefined : several.items[job.open];
  room.pieces.clear();
  if (item?.answer) {
    return [h('button', { type: 'button', class: 'link back', 'data-testid': 'several-back', onclick: () => openItem(room, job, null) }, `‹ ${t('several.back')}`), report(room.context, item.asked, item.answer)];
  }
  const point = (i: number | null) => setShape(map, 'aoi', i === null ? whole(job) : several.items[i]?.asked.geometry ?? null);
  return [asProposed(room, job), list(room.context, several, (i) => openItem(room, job, i), point)];
}

// openItem opens one of a file's shapes; null goes back to the list.
function openItem(room: Room, job: Job, i: number | null): void {
  job.open = i;
  room.reshape.stop();
  const item = i === null ? null : job.several?.items[i];
  setShape(room.app.map, 'aoi', item ? item.asked.geometry ?? null : whole(job));
  show(room);
  room.card.body.scrollTop = 0;
  if (item?.asked.geometry) reveal(room.app.map, extentOf(item.asked.geometry));
}

// againOf offers what may do better: the same again, or the zone that the server proposes.
function againOf(room: Room, job: Job): Action | false {
  const { file, crs } = job;
  if (file && crs) return { label: t('file.as', { crs }), run: () => room.measureFile({ ...file.question, crs }) };
  return job.problem instanceof Problem && job.problem.passing() && { label: t('retry'), run: job.again };
}

function asProposed(room: Room, job: Job): Child {
  const other = job.crs ? againOf(room, job) : false;
  return other && h('div', { class: 'report-buttons' }, h('button', { type: 'button', class: 'strong', 'data-testid': 'file-as', onclick: other.run }, other.label));
}

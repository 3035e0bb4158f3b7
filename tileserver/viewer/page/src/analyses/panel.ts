// The card of analyses: which of its three faces is shown (the list, a form, a job), and
// what becomes of each when it is shut.

import type { App } from '../app';
import { chartWords } from '../charts/words';
import { asProblem, aborted, onVintage } from '../core/api';
import { h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { addWords } from '../core/words';
import { json, type Job } from '../jobs/answers';
import { remember } from '../jobs/own';
import type { Card } from '../shell/cards';
import { showLayers } from '../shell/frame';
import { busyBox, problemBox } from '../shell/messages';
import { backButton, type Desk, type Face } from './desk';
import { createForm } from './form';
import { createHome } from './home';
import { createJob } from './job';
import { createOverlays } from './overlays';
import { analysesWords } from './words';

// Panel is what the rest of the page asks of the card.
export interface Panel {
  home(): void;
  // open shows the job of this id.
  open(id: string): void;
  // job is the id of the job that is shown, null for none.
  job(): string | null;
  // take shows the row of the piece under a pixel of the map, and tells whether there is one.
  take(point: { x: number; y: number }): boolean;
}

// roomPx is the width from which on the card of layers can stay open beside this one.
const roomPx = 1440;

// createPanel makes the card's content; changed runs when another job is shown.
export function createPanel(app: App, card: Card, changed: () => void): Panel {
  addWords(analysesWords);
  addWords(chartWords);
  const root = h('div', { class: 'analyses' });
  let face: Face | null = null;
  const render = () => { if (face) root.replaceChildren(face.render()); };
  const shut = () => { face?.shut?.(); face = null; changed(); };
  const show = (next: Face) => {
    face?.shut?.();
    face = next;
    render();
    // Both cards would leave too little of the map to go anywhere on.
    if (window.innerWidth < roomPx) showLayers(false);
    card.open(root, shut);
    changed();
  };
  const desk: Desk = {
    app, overlays: createOverlays(app),
    home: () => show(createHome(desk)),
    ask: (question, list, before) => show(createForm(desk, question, list, before)),
    open(job, row) {
      if (typeof job !== 'string') { remember(job.id); show(createJob(desk, job, row)); return; }
      const [waiting, end] = reading(desk, job);
      show(waiting);
      json<Job>(`analyses/${encodeURIComponent(job)}`).then((found) => { if (face === waiting) desk.open(found, row); }).catch((thrown: unknown) => { if (face === waiting && !aborted(thrown)) { end(thrown); render(); } });
    },
    again: (asked) => { if (asked === face) render(); },
  };
  onLang(render);
  onVintage(() => { if (face?.id !== undefined) render(); });
  return {
    home: () => desk.home(),
    open: (id) => desk.open(id),
    job: () => face?.id ?? null,
    take(point) {
      const hit = desk.overlays.at(point);
      if (!hit) return false;
      if (face?.id === hit.job && face.show) face.show(hit.layer, hit.row);
      else desk.open(hit.job, hit);
      return true;
    },
  };
}

// reading is the face of a job that is on its way, and what ends it with a problem.
function reading(desk: Desk, id: string): [Face, (thrown: unknown) => void] {
  let problem: unknown = null;
  return [{
    id,
    render: () => h('div', null, backButton(desk), problem ? problemBox(asProblem(problem), { label: t('retry'), run: () => desk.open(id) }) : busyBox(t('loading'))),
  }, (thrown) => { problem = thrown; }];
}

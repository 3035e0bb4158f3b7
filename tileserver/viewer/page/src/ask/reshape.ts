// Changing the corners of a measured shape, by mouse, touch or keyboard: after each change the
// shape is measured again, and its corners stay until the user is done with them.

import type { Geometry, Polygon, Position } from 'geojson';
import type { Map as GLMap } from 'maplibre-gl';
import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { reveal, setShape } from '../map/map';
import type { Asked } from './answer';
import { createCorners } from './corners';
import { round } from './sketch';

// mostCorners is up to how many corners are changed: more lie too near each other.
const mostCorners = 60;

// restMs is how long keys must rest before the shape is measured.
const restMs = 500;

// canReshape tells whether a shape is a polygon without holes and with few corners.
export function canReshape({ geometry }: Asked): boolean {
  return geometry?.type === 'Polygon' && geometry.coordinates.length === 1 && (geometry.coordinates[0]?.length ?? 0) <= mostCorners + 1;
}

export interface Reshape {
  // begin shows the corners of a shape and gives the keyboard to the first.
  begin: (asked: Asked) => void;
  // done ends it; what is not measured yet is. stop ends it without.
  done: () => void;
  stop: () => void;
  busy: () => boolean;
  // undo takes the last change back; undoable tells whether there is one.
  undo: () => void;
  undoable: () => boolean;
  // told says the outcome of a change to who does not see it.
  told: (text: string) => void;
}

interface Listeners {
  moving: () => void; // the shape is no longer what was measured
  changed: (geometry: Geometry) => void; // it is to be measured
  done: () => void;
}

// createReshape makes the handles and the line of help.
export function createReshape(map: GLMap, on: Listeners): Reshape {
  let ring: Position[] = []; // without its end
  let before: Position[][] = []; // the rings before each change
  let timer: ReturnType<typeof setTimeout> | undefined; // runs while keys rest
  const polygon = (): Polygon => ({ type: 'Polygon', coordinates: [[...ring, [...(ring[0] ?? [])]]] });
  const bar = createBar({ undo: () => undo(), done: () => done() });

  const draw = () => { corners.show(ring); setShape(map, 'aoi', polygon()); bar.undoable(before.length > 0); };
  const measure = () => { clearTimeout(timer); timer = undefined; on.changed(polygon()); };
  // change takes a ring in; a series of keys is undone as one.
  const keep = () => { if (timer === undefined) before.push(ring); on.moving(); };
  const later = () => { clearTimeout(timer); timer = setTimeout(measure, restMs); };
  const set = (i: number, to: Position) => { ring = ring.with(i, to.map(round)); draw(); };
  const placeText = (i: number) => t('corner.at', { i: i + 1, lon: (ring[i]?.[0] ?? NaN).toFixed(6), lat: (ring[i]?.[1] ?? NaN).toFixed(6) });

  const corners = createCorners(map, {
    begun: () => { if (timer !== undefined) measure(); keep(); },
    move: set,
    dropped: measure,
    step: (i, to) => { keep(); set(i, to); later(); bar.say(placeText(i)); },
    insert(i) {
      if (ring.length >= mostCorners) { bar.say(t('corner.most', { n: mostCorners })); return; }
      const [a = [], b = []] = [ring[i], ring[(i + 1) % ring.length]];
      keep();
      ring = ring.toSpliced(i + 1, 0, [0, 1].map((k) => round(((a[k] ?? NaN) + (b[k] ?? NaN)) / 2)));
      draw();
      corners.focus(i + 1);
      bar.say(t('corner.added', { i: i + 2, n: ring.length }));
      later();
    },
    remove(i) {
      if (ring.length <= 3) { bar.say(t('corner.least')); return; }
      keep();
      ring = ring.toSpliced(i, 1);
      draw();
      corners.focus(i % ring.length);
      bar.say(t('corner.removed', { n: ring.length }));
      later();
    },
    undo: () => undo(),
    done: () => done(),
    reveal(i) { const [lon = NaN, lat = NaN] = ring[i] ?? []; reveal(map, [lon, lat, lon, lat]); },
  });

  function undo(): void {
    const last = before.pop();
    if (!last) return;
    ring = last;
    draw();
    on.moving();
    bar.say(t('corner.undone'));
    measure();
  }
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    [ring, before] = [[], []];
    corners.show([]);
    bar.show(false);
  };
  function done(): void {
    if (!ring.length) return;
    const left = timer === undefined ? null : polygon();
    stop();
    if (left) on.changed(left);
    on.done();
  }
  onLang(() => { if (ring.length) corners.show(ring); });
  return {
    stop, done, undo, told: bar.tell, busy: () => ring.length > 0, undoable: () => before.length > 0,
    begin: (asked) => {
      if (!canReshape(asked) || asked.geometry?.type !== 'Polygon') return;
      ring = (asked.geometry.coordinates[0] ?? []).slice(0, -1).map((p) => [...p]);
      before = [];
      draw();
      bar.show(true);
      corners.focus(0);
    },
  };
}

// createBar is the line that says what can be done, with its buttons, and tells those who do
// not see the map what was done: say begins a message, tell ends it.
function createBar(run: { undo: () => void; done: () => void }) {
  const text = h('span', { id: 'corner-hint' });
  const live = h('span', { class: 'hidden', role: 'status', 'data-testid': 'corner-said' });
  const back = h('button', { type: 'button', 'data-testid': 'corner-undo', onclick: run.undo });
  const end = h('button', { type: 'button', class: 'strong', 'data-testid': 'corner-done', onclick: run.done });
  const bar = h('div', { class: 'hint corner-bar', 'data-testid': 'corner-bar', hidden: true }, text, live, h('span', { class: 'hint-buttons' }, back, end));
  $('hint').after(bar);
  const coarse = window.matchMedia('(pointer: coarse)').matches;
  onLang(() => {
    text.textContent = t(coarse ? 'corner.hint.touch' : 'corner.hint');
    back.textContent = t('draw.undo');
    end.textContent = t('overlay.reshape.end');
  });
  let said = '';
  return {
    show: (on: boolean) => { bar.hidden = !on; said = ''; live.textContent = on ? text.textContent : ''; },
    undoable: (can: boolean) => { back.disabled = !can; },
    say: (what: string) => { said = what; live.textContent = what; },
    tell: (what: string) => { live.textContent = [said, what].filter(Boolean).join(' '); said = ''; },
  };
}

// The handles of a shape's corners, over the map: buttons, so that they are dragged by mouse
// and touch, reached by Tab, moved by keys and told by a screen reader.

import type { Position } from 'geojson';
import type { Map as GLMap } from 'maplibre-gl';
import { h } from '../core/dom';
import { label, t } from '../core/i18n';

// keySteps are by how many pixels an arrow key moves a corner: alone, and with Shift.
const keySteps = { alone: 5, fine: 1 };

const arrows: Readonly<Record<string, readonly [x: number, y: number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// dragReach is how far, in pixels, a pointer goes before a press is a drag.
const dragReach = 3;

export interface Corners {
  // show puts a handle on each corner, degrees, longitude first.
  show: (ring: readonly Position[]) => void;
  // focus gives the keyboard to a corner, which the map moves into sight for.
  focus: (i: number) => void;
}

// Actions are what handles ask for; places are degrees, longitude first.
export interface Actions {
  begun: (i: number) => void; // a drag
  move: (i: number, to: Position) => void; // during a drag
  dropped: () => void;
  step: (i: number, to: Position) => void; // by a key
  insert: (i: number) => void; // after corner i
  remove: (i: number) => void;
  undo: () => void;
  done: () => void;
  // reveal is run for a corner that gets the keyboard.
  reveal: (i: number) => void;
}

// createCorners puts the handles into the map's container; those of no shape are none.
export function createCorners(map: GLMap, actions: Actions): Corners {
  const box = h('div', { class: 'corners', role: 'application', 'data-testid': 'corners', hidden: true });
  map.getContainer().append(box);
  let ring: readonly Position[] = [];
  const handles: HTMLButtonElement[] = [];
  const place = () => handles.forEach((el, i) => {
    const { x, y } = map.project(ring[i] as [number, number]);
    el.style.setProperty('translate', `${x}px ${y}px`);
  });
  const say = () => {
    label(box, t('corner.all'));
    handles.forEach((el, i) => el.setAttribute('aria-label', t('corner.of', { i: i + 1, n: ring.length })));
  };
  map.on('move', place);
  map.on('resize', place);
  return {
    show(next) {
      ring = next;
      while (handles.length > ring.length) handles.pop()?.remove();
      while (handles.length < ring.length) {
        const handle = handleOf(map, handles.length, () => ring, actions);
        handles.push(handle);
        box.append(handle);
      }
      box.hidden = !ring.length;
      place();
      say();
    },
    focus: (i) => handles[i]?.focus({ preventScroll: true }),
  };
}

function handleOf(map: GLMap, i: number, ring: () => readonly Position[], actions: Actions): HTMLButtonElement {
  const el = h('button', {
    type: 'button', class: 'corner', 'data-testid': `corner-${i}`,
    // A press of the keyboard, or of a screen reader, has detail 0.
    onclick: (e: MouseEvent) => { if (e.detail === 0) actions.insert(i); },
    onfocus: () => { if (el.matches(':focus-visible')) actions.reveal(i); },
    onkeydown: (e: KeyboardEvent) => { if (key(map, e, i, ring()[i] ?? [], actions)) { e.preventDefault(); e.stopPropagation(); } },
  });
  draggable(map, el, i, ring, actions);
  return el;
}

// key does what a key means for a corner at a place, and returns whether it means anything.
function key(map: GLMap, e: KeyboardEvent, i: number, at: Position, actions: Actions): boolean {
  const arrow = arrows[e.key];
  if (arrow && !e.altKey && !e.ctrlKey && !e.metaKey) {
    const by = e.shiftKey ? keySteps.fine : keySteps.alone;
    const { x, y } = map.project(at as [number, number]);
    actions.step(i, map.unproject([x + arrow[0] * by, y + arrow[1] * by]).toArray());
  } else if (e.key === 'Delete' || e.key === 'Backspace') actions.remove(i);
  else if (e.key === 'Escape') actions.done();
  else if (e.key === '+' || e.key === '=') map.zoomTo(map.getZoom() + 1, { around: at as [number, number] });
  else if (e.key === '-') map.zoomTo(map.getZoom() - 1, { around: at as [number, number] });
  else if (e.key.toLowerCase() === 'z' && (e.ctrlKey || e.metaKey)) actions.undo();
  else return false;
  return true;
}

// draggable lets a pointer take the corner along, at the distance at which it was pressed.
function draggable(map: GLMap, el: HTMLElement, i: number, ring: () => readonly Position[], actions: Actions): void {
  let held: { x: number; y: number; dx: number; dy: number; moved: boolean } | null = null;
  el.addEventListener('pointerdown', (e) => {
    if (e.button !== 0 || !e.isPrimary) return;
    const { x, y } = map.project((ring()[i] ?? []) as [number, number]);
    held = { x: e.clientX, y: e.clientY, dx: x - e.clientX, dy: y - e.clientY, moved: false };
    el.setPointerCapture(e.pointerId);
    el.focus({ preventScroll: true });
    e.preventDefault();
  });
  el.addEventListener('pointermove', (e) => {
    if (!held) return;
    if (!held.moved) {
      if (Math.hypot(e.clientX - held.x, e.clientY - held.y) < dragReach) return;
      held.moved = true;
      actions.begun(i);
    }
    actions.move(i, map.unproject([e.clientX + held.dx, e.clientY + held.dy]).toArray());
  });
  const drop = () => {
    const moved = held?.moved;
    held = null;
    if (moved) actions.dropped();
  };
  el.addEventListener('pointerup', drop);
  el.addEventListener('pointercancel', drop);
}

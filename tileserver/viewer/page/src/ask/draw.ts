// Drawing a polygon, a rectangle or a circle on the map, by mouse, touch or keyboard.
//
// Mouse and touch: a click adds a point; a double click, Enter, the first point
// or the Finish button closes. A circle is its centre, and then a second click or a
// radius that is typed. Keyboard: the arrow keys move the map, Space adds the point
// under the cross in its middle, Backspace takes the last one away, Esc gives up.

import type { LngLat, Map as GLMap } from 'maplibre-gl';
import type { Polygon, Position } from 'geojson';
import { $, h } from '../core/dom';
import { label, onLang, t } from '../core/i18n';
import { closed as close } from '../core/geometry';
import { narrow, showLayers } from '../shell/frame';
import { addTool } from '../shell/rail';
import { circle } from './geodesic';
import { polygonOf, radiusRange, radiusTo, rectangleOf, round, sketch, type Drawing, type Mode } from './sketch';

const byTouch = window.matchMedia('(pointer: coarse)').matches;

// clickReach is how near, in pixels, a click must be to the first point to close
// the shape; a finger needs more than a pointer.
const clickReach = byTouch ? 22 : 11;

// settleMs is how long after closing a shape a click still belongs to it: the
// second half of a double click.
const settleMs = 450;

export interface Draw {
  // busy tells whether a click on the map belongs to the drawing.
  busy: () => boolean;
  // begin starts drawing; begun again in the same mode, it stops.
  begin: (mode: Mode, event?: MouseEvent) => void;
  stop: () => void;
}

interface Listeners {
  begun: () => void; // a drawing begins
  finished: (shape: Polygon) => void; // [[lon, lat], …], closed
  // a click in the mode pick, which goes on; signal ends with the next click or the mode
  picked: (at: Position, signal: AbortSignal) => void;
}

interface State extends Drawing { endedAt: number; byKeyboard: boolean }

// Hand is what draws: its state, and what it reaches. picking ends with the next click.
interface Hand { readonly map: GLMap; readonly on: Listeners; readonly radius: RadiusBox; readonly state: State; picking: AbortController }

// createDraw adds the tools; places tells whether places can be picked on the map.
export function createDraw(map: GLMap, places: () => boolean, on: Listeners): Draw {
  const state: State = { mode: '', points: [], cursor: null, radiusM: 0, endedAt: -Infinity, byKeyboard: false };
  const radius = radiusBox((m) => { state.radiusM = m; show(hand); });
  const hand: Hand = { map, on, radius, state, picking: new AbortController() };
  $('hint').insertBefore(radius.box, $('hint').lastElementChild);
  followPointer(hand);
  followKeys(hand);
  const start: Draw['begin'] = (mode, event) => begin(hand, mode, event);
  addTools(start, places);
  $('draw-undo').addEventListener('click', () => undo(hand));
  $('draw-finish').addEventListener('click', () => finish(hand));
  $('draw-cancel').addEventListener('click', () => stop(hand));
  onLang(() => show(hand));
  return { busy: () => state.mode !== '' || performance.now() - state.endedAt < settleMs, begin: start, stop: () => stop(hand) };
}

// followPointer draws by mouse and touch.
function followPointer(hand: Hand): void {
  const { map, state } = hand;
  map.on('click', (e) => { if (state.mode) { state.byKeyboard = false; add(hand, e.lngLat, clickReach); } });
  // Nothing follows the pointer while a place is picked: the levels that a click has offered
  // stand in the hint until one is taken.
  const follows = () => state.mode !== '' && state.mode !== 'pick';
  map.on('mousemove', (e) => { if (follows()) pointed(hand, e.lngLat); });
  map.on('mouseout', () => { if (follows()) { state.cursor = null; show(hand); } });
  map.on('dblclick', (e) => {
    if (!state.mode && performance.now() - state.endedAt > settleMs) return;
    e.preventDefault();
    if (state.mode === 'polygon') finish(hand);
  });
}

// followKeys draws by keys, also those that are pressed in the box of the radius.
function followKeys(hand: Hand): void {
  const { map, state, radius } = hand;
  const inBox = (e: Event) => (e.target as Element).closest?.('input, select, textarea, dialog');
  document.addEventListener('keydown', (e) => {
    const own = e.target === radius.input;
    if (!state.mode || (!own && inBox(e))) return;
    const onButton = (e.target as Element).closest?.('button, a, summary') != null;
    if (e.key === 'Escape') { stop(hand); map.getCanvas().focus({ preventScroll: true }); } else if (e.key === 'Backspace' && !own) undo(hand);
    else if (e.key === 'Enter' && !onButton) finish(hand);
    else if (e.key === ' ' && !onButton && !own) { state.byKeyboard = true; state.cursor = null; add(hand, map.getCenter(), 3); } else return;
    e.preventDefault();
    e.stopPropagation();
  }, true);
}

function stop(hand: Hand): void {
  hand.picking.abort();
  Object.assign(hand.state, { mode: '', points: [], cursor: null, radiusM: 0, endedAt: performance.now() });
  show(hand);
}

function begin(hand: Hand, mode: Mode, event?: MouseEvent): void {
  const { map, state, radius, on } = hand;
  if (state.mode === mode) { stop(hand); return; }
  hand.picking.abort();
  // A press of a button by the keyboard has detail 0.
  Object.assign(state, { mode, points: [], cursor: null, radiusM: 0, byKeyboard: event?.detail === 0 });
  radius.set(0);
  show(hand);
  if (narrow()) showLayers(false);
  on.begun();
  map.getCanvas().focus({ preventScroll: true });
}

function done(hand: Hand, ring: Position[]): void {
  stop(hand);
  hand.on.finished(polygonOf(ring));
}

// finish closes the shape, where it is one.
function finish(hand: Hand): void {
  const { mode, points, radiusM } = hand.state;
  const [centre] = points;
  if (mode === 'polygon' && points.length >= 3) done(hand, close(points));
  else if (mode === 'circle' && centre && inRange(radiusM)) done(hand, circle(centre, radiusM));
}

function undo(hand: Hand): void {
  hand.state.points.pop();
  hand.state.radiusM = 0;
  hand.radius.set(0);
  show(hand);
}

// add takes a click at a place; reach is how near to the first point, in pixels, it closes.
function add(hand: Hand, at: LngLat, reach: number): void {
  const { state, radius } = hand;
  const point = [round(at.lng), round(at.lat)];
  if (state.mode === 'pick') { pick(hand, point); return; }
  if (addPoint(hand, point, reach)) return;
  show(hand);
  if (state.mode === 'circle' && state.byKeyboard) radius.input.focus();
}

function pick(hand: Hand, at: Position): void {
  hand.picking.abort();
  hand.picking = new AbortController();
  hand.on.picked(at, hand.picking.signal);
}

// addPoint takes a point in; it returns whether that has ended the shape, or was to.
function addPoint(hand: Hand, point: Position, reach: number): boolean {
  const { map, state } = hand;
  const { mode, points } = state;
  const far = (other: Position, by: number) => pixels(map, point, other) > by;
  const [first] = points;
  if (!first) { points.push(point); return false; }
  if (mode === 'rectangle') {
    const wide = far(first, reach) && point[0] !== first[0] && point[1] !== first[1];
    if (wide) done(hand, rectangleOf(first, point));
    return wide;
  }
  if (mode === 'circle') {
    if (!far(first, 3)) return false;
    state.radiusM = radiusTo(first, point);
    finish(hand);
    return true;
  }
  if (points.length >= 3 && !far(first, reach)) { finish(hand); return true; }
  if (far(points.at(-1) ?? first, 3)) points.push(point);
  return false;
}

// pointed takes where the pointer is.
function pointed(hand: Hand, at: LngLat): void {
  const { state, radius } = hand;
  state.byKeyboard = false;
  state.cursor = [at.lng, at.lat];
  const [centre] = state.points;
  if (state.mode === 'circle' && centre && document.activeElement !== radius.input) {
    state.radiusM = Math.min(radiusTo(centre, state.cursor), radiusRange[1]);
    radius.set(state.radiusM);
  }
  show(hand);
}

function addTools(begin: Draw['begin'], places: () => boolean): void {
  const dot = (x: number, y: number) => `M${x - 1.5} ${y}a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0`;
  const tool = (mode: Mode, icon: string) => addTool({ id: `draw-${mode}`, needs: mode === 'pick' ? places : 'overlay', group: 'ask', toggle: true, label: `draw.${mode}`, icon, run: (e) => begin(mode, e) });
  tool('polygon', `M6 7 17 5l2 10-8 4-6-5z${dot(6, 7)}${dot(17, 5)}${dot(19, 15)}${dot(11, 19)}`);
  tool('rectangle', `M5 6h14v12H5z${dot(5, 6)}${dot(19, 18)}`);
  tool('circle', `M4.5 12a7.5 7.5 0 1 0 15 0 7.5 7.5 0 1 0-15 0M12 12h7.5${dot(12, 12)}`);
  tool('pick', 'M4 5.5 11 4l4 3 5-1v5M4 5.500V18l6 2 3-2M12 12l8 3.2-3.500 1.600L15 20z');
}

const inRange = (m: number): boolean => m >= radiusRange[0] && m <= radiusRange[1];

interface RadiusBox { box: HTMLElement; input: HTMLInputElement; set: (m: number) => void }

// radiusBox is where the radius of a circle stands and is typed.
function radiusBox(changed: (m: number) => void): RadiusBox {
  const input = h('input', {
    type: 'number', min: String(radiusRange[0]), max: String(radiusRange[1]), step: 'any', inputMode: 'decimal', 'data-testid': 'draw-radius',
    oninput: () => changed(Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : 0),
  });
  const unit = h('span', { 'aria-hidden': 'true' });
  onLang(() => { label(input, t('draw.radius')); unit.textContent = t('draw.metres'); });
  return { box: h('span', { class: 'hint-radius', hidden: true }, input, unit), input, set: (m) => { input.value = m > 0 ? String(m) : ''; } };
}

// show brings the map, the hint and the tools to the state.
function show({ map, state, radius }: Hand): void {
  (map.getSource('gengtu-draw') as { setData?: (d: unknown) => void } | undefined)?.setData?.(sketch(state));
  const drawing = state.mode !== '';
  const round = state.mode === 'circle';
  $('hint').hidden = !drawing;
  $('hint-text').textContent = drawing ? hintText(state) : '';
  radius.box.hidden = !round || !state.points.length;
  $('draw-undo').hidden = state.mode === 'pick';
  $<HTMLButtonElement>('draw-undo').disabled = state.points.length === 0;
  $('draw-finish').hidden = state.mode === 'rectangle' || state.mode === 'pick';
  $<HTMLButtonElement>('draw-finish').disabled = round ? !state.points.length || !inRange(state.radiusM) : state.points.length < 3;
  $('centre').hidden = !drawing || !state.byKeyboard;
  for (const mode of ['polygon', 'rectangle', 'circle', 'pick']) $(`draw-${mode}`).setAttribute('aria-pressed', String(state.mode === mode));
  map.getCanvas().classList.toggle('drawing', drawing);
}

function pixels(map: GLMap, a: Position, b: Position): number {
  const [p, q] = [map.project(a as [number, number]), map.project(b as [number, number])];
  return Math.hypot(p.x - q.x, p.y - q.y);
}

function hintText({ mode, points, byKeyboard, radiusM }: State): string {
  const n = points.length;
  if (mode === 'circle' && n > 0) return radiusM > radiusRange[1] ? t('draw.hint.radius.most') : t('draw.hint.radius');
  if (byKeyboard) return t(mode === 'pick' ? 'draw.hint.pick.keys' : 'draw.hint.keys');
  if (mode === 'pick') return t('draw.hint.pick');
  if (mode === 'rectangle') return t(n ? 'draw.hint.opposite' : 'draw.hint.corner');
  if (mode === 'circle') return t('draw.hint.centre');
  if (n === 0) return t('draw.hint.first');
  if (n < 3) return t('draw.hint.more', { n });
  return byTouch ? t('draw.hint.touch', { n }) : t('draw.hint.close', { n });
}

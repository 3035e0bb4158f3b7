// Drawing a polygon or a rectangle on the map, by mouse, touch or keyboard.
//
// Mouse and touch: a click adds a point; a double click, Enter, the first point
// or the Finish button closes. Keyboard: the arrow keys move the map, Space adds
// the point under the cross in its middle, Backspace takes the last one away,
// Esc gives up.

import { $ } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { closed as close } from '../core/geometry';
import { narrow, showLayers } from '../shell/frame';
import { addTool } from '../shell/rail';

// clickReach is how near, in pixels, a click must be to the first point to close
// the shape; a finger needs more than a pointer.
const byTouch = window.matchMedia('(pointer: coarse)').matches;
const clickReach = byTouch ? 22 : 11;

// settleMs is how long after closing a shape a click still belongs to it: the
// second half of a double click.
const settleMs = 450;

// createDraw adds the tools. begun runs when a drawing begins, finished with the closed
// ring, [[lon, lat], …].
export function createDraw(map, { begun, finished }) {
  const state = { mode: '', points: [], cursor: null, endedAt: -Infinity, byKeyboard: false };
  const canvas = map.getCanvas();

  const show = () => {
    map.getSource('gengtu-draw').setData(sketch(state));
    const drawing = state.mode !== '';
    $('hint').hidden = !drawing;
    $('hint-text').textContent = drawing ? hintText(state) : '';
    $('draw-undo').disabled = state.points.length === 0;
    $('draw-finish').hidden = state.mode === 'rectangle';
    $('draw-finish').disabled = state.points.length < 3;
    $('centre').hidden = !drawing || !state.byKeyboard;
    $('draw-polygon').setAttribute('aria-pressed', String(state.mode === 'polygon'));
    $('draw-rectangle').setAttribute('aria-pressed', String(state.mode === 'rectangle'));
    canvas.classList.toggle('drawing', drawing);
  };

  const stop = () => {
    Object.assign(state, { mode: '', points: [], cursor: null, endedAt: performance.now() });
    show();
  };
  const begin = (mode, event) => {
    if (state.mode === mode) return stop();
    // A press of a button by the keyboard has detail 0.
    Object.assign(state, { mode, points: [], cursor: null, byKeyboard: event?.detail === 0 });
    show();
    if (narrow()) showLayers(false);
    begun();
    canvas.focus({ preventScroll: true });
  };
  const finish = () => {
    const ring = state.mode === 'polygon' && state.points.length >= 3 ? close(state.points) : null;
    if (ring) { stop(); finished(ring); }
  };
  const undo = () => { state.points.pop(); show(); };
  const add = (lngLat, reach) => {
    const point = [round(lngLat.lng), round(lngLat.lat)];
    const far = (other) => distance(map, point, other) > reach;
    if (state.mode === 'rectangle') {
      if (!state.points.length) state.points.push(point);
      else if (far(state.points[0]) && point[0] !== state.points[0][0] && point[1] !== state.points[0][1]) {
        const ring = corners(state.points[0], point);
        stop();
        finished(ring);
        return;
      }
    } else if (state.points.length >= 3 && !far(state.points[0])) {
      finish();
      return;
    } else if (!state.points.length || distance(map, point, state.points.at(-1)) > 3) {
      state.points.push(point);
    }
    show();
  };

  map.on('click', (e) => { if (state.mode) { state.byKeyboard = false; add(e.lngLat, clickReach); } });
  map.on('mousemove', (e) => { if (state.mode) { state.cursor = [e.lngLat.lng, e.lngLat.lat]; state.byKeyboard = false; show(); } });
  map.on('mouseout', () => { if (state.mode) { state.cursor = null; show(); } });
  map.on('dblclick', (e) => {
    if (!state.mode && performance.now() - state.endedAt > settleMs) return;
    e.preventDefault();
    finish();
  });
  document.addEventListener('keydown', (e) => {
    if (!state.mode || e.target.closest?.('input, select, textarea, dialog')) return;
    const onButton = e.target.closest?.('button, a, summary') != null;
    if (e.key === 'Escape') stop();
    else if (e.key === 'Backspace') undo();
    else if (e.key === 'Enter' && !onButton) finish();
    else if (e.key === ' ' && !onButton) { state.byKeyboard = true; state.cursor = null; add(map.getCenter(), 3); }
    else return;
    e.preventDefault();
    e.stopPropagation();
  }, true);

  addTool({ id: 'draw-polygon', group: 'ask', toggle: true, label: 'draw.polygon', run: (e) => begin('polygon', e), icon: 'M6 7 17 5l2 10-8 4-6-5zM4.5 7a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M15.5 5a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M17.5 15a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M9.500 19a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0' });
  addTool({ id: 'draw-rectangle', group: 'ask', toggle: true, label: 'draw.rectangle', run: (e) => begin('rectangle', e), icon: 'M5 6h14v12H5zM3.500 6a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M17.500 18a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0' });
  $('draw-undo').addEventListener('click', undo);
  $('draw-finish').addEventListener('click', finish);
  $('draw-cancel').addEventListener('click', stop);
  onLang(show);

  return {
    // busy tells whether a click on the map belongs to the drawing.
    busy: () => state.mode !== '' || performance.now() - state.endedAt < settleMs,
    begin,
    stop,
  };
}

function corners([lon1, lat1], [lon2, lat2]) {
  const [w, e, s, n] = [Math.min(lon1, lon2), Math.max(lon1, lon2), Math.min(lat1, lat2), Math.max(lat1, lat2)];
  return [[w, s], [e, s], [e, n], [w, n], [w, s]];
}

// round keeps 9 decimals of a degree, a tenth of a millimetre: no screen is finer.
const round = (degrees) => Math.round(degrees * 1e9) / 1e9;

function distance(map, a, b) {
  const [p, q] = [map.project(a), map.project(b)];
  return Math.hypot(p.x - q.x, p.y - q.y);
}

function hintText({ mode, points, byKeyboard }) {
  const n = points.length;
  let text;
  if (mode === 'rectangle') text = t(n ? 'draw.hint.opposite' : 'draw.hint.corner');
  else if (n === 0) text = t('draw.hint.first');
  else if (n < 3) text = t('draw.hint.more', { n });
  else text = byTouch ? t('draw.hint.touch', { n }) : t('draw.hint.close', { n });
  return byKeyboard ? t('draw.hint.keys') : text;
}

// sketch is what is on the map while a shape is drawn.
function sketch({ mode, points, cursor }) {
  const feature = (geometry, properties) => ({ type: 'Feature', geometry, properties });
  const features = points.map((p, i) => feature({ type: 'Point', coordinates: p }, { first: i === 0 && mode === 'polygon' && points.length > 2 }));
  if (mode === 'rectangle' && points.length && cursor) {
    const ring = corners(points[0], cursor);
    features.push(feature({ type: 'Polygon', coordinates: [ring] }, { part: 'area' }), feature({ type: 'LineString', coordinates: ring }, { part: 'edge' }));
  } else if (mode === 'polygon') {
    const line = cursor && points.length ? [...points, cursor] : points;
    if (line.length > 2) features.push(feature({ type: 'Polygon', coordinates: [close(line)] }, { part: 'area' }));
    if (line.length > 1) features.push(feature({ type: 'LineString', coordinates: line }, { part: 'edge' }));
  }
  return { type: 'FeatureCollection', features };
}

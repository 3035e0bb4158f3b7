// The pieces of a layer inside the shape: asked for when the user wants to see them, on the
// map and in a table whose rows and shapes point at each other.

import type { Feature } from 'geojson';
import type { ExpressionSpecification } from 'maplibre-gl';
import type { App } from '../app';
import { asProblem, aborted } from '../core/api';
import { h, type Child } from '../core/dom';
import { area, count, muOf } from '../core/format';
import { extentOf } from '../core/geometry';
import { t } from '../core/i18n';
import { reveal } from '../map/map';
import { busyBox, problemBox } from '../shell/messages';
import type { Answer, Asked, LayerAnswer, Piece } from './answer';
import { createDrawn, type LayerOf } from './drawn';
import { measure, sentOf } from './requests';
import { figure, titleIn } from './tables';

// most is how many pieces of a layer the page asks for; a file holds any number.
const most = 5000;

// rowsAtOnce is how many rows are added at a time.
const rowsAtOnce = 100;

const hot: ExpressionSpecification = ['boolean', ['feature-state', 'hot'], false];
const layers = [
  { id: 'ask-pieces-fill', type: 'fill', paint: { 'fill-color': '#8a2be2', 'fill-opacity': ['case', hot, 0.45, 0.12] } },
  { id: 'ask-pieces-line', type: 'line', paint: { 'line-color': '#5b1a99', 'line-width': ['case', hot, 3, 1] } },
] as LayerOf[];

export interface Pieces {
  // section is the part of a report that opens them; it takes away those of the report before.
  section: (asked: Asked, answer: Answer) => Child;
  // clear takes them off the map.
  clear: () => void;
  // taken tells whether a click on the map was at a piece, and then goes to its row.
  taken: (point: { x: number; y: number }) => boolean;
}

// single tells whether single features are to be had: of the tier, and by who asks.
export const single = (app: App): boolean => !app.catalog.totalsOnly && app.may('features');

// createPieces makes them for a map.
export function createPieces(app: App): Pieces {
  const { map } = app;
  const drawn = createDrawn(map, 'ask-pieces', layers);
  let listed: Listed | null = null;
  let request: AbortController | null = null;
  const at = (point: { x: number; y: number }) => {
    if (!listed || !map.getLayer('ask-pieces-fill')) return null;
    const [found] = map.queryRenderedFeatures([point.x, point.y], { layers: ['ask-pieces-fill'] });
    return found ? Number(found.id) : null;
  };
  const clear = () => { request?.abort(); request = null; listed?.light(null); listed = null; drawn.show([]); };
  map.on('mousemove', (e) => listed?.light(at(e.point)));
  map.on('mouseout', () => listed?.light(null));

  const list = async (asked: Asked, layer: LayerAnswer, into: HTMLElement) => {
    clear();
    into.replaceChildren(busyBox(t('overlay.busy')));
    const mine = new AbortController();
    request = mine;
    try {
      const answer = await measure<Answer>(app.catalog, sentOf(asked), { pieces: true, layers: [layer.layer], combinations: false }, mine.signal);
      const own = answer.layers?.[0];
      const pieces = [...(own?.pieces ?? [])].sort((a, b) => b.area_m2 - a.area_m2);
      drawn.show(pieces.map((p, n): Feature => ({ type: 'Feature', properties: { n }, geometry: p.geometry })));
      listed = createListed(app, pieces, own ?? layer);
      into.replaceChildren(listed.table);
    } catch (thrown) {
      if (!aborted(thrown)) into.replaceChildren(problemBox(asProblem(thrown)));
    }
  };

  return {
    clear,
    taken: (point) => { const n = at(point); if (n !== null) listed?.go(n); return n !== null; },
    section: (asked, answer) => {
      clear();
      const some = (answer.layers ?? []).filter((l) => l.features > 0);
      if (!some.length || !single(app)) return null;
      return sectionOf(app, some, (layer, into) => void list(asked, layer, into), clear);
    },
  };
}

function sectionOf(app: App, some: LayerAnswer[], list: (layer: LayerAnswer, into: HTMLElement) => void, clear: () => void): Child {
  const title = titleIn(app.catalog);
  const into = h('div', { 'aria-live': 'polite' });
  const buttons = some.map((l) => {
    const button = h('button', {
      type: 'button', 'aria-pressed': 'false', 'data-testid': `pieces-${l.layer}`,
      onclick: () => {
        const on = button.getAttribute('aria-pressed') === 'true';
        for (const b of buttons) b.setAttribute('aria-pressed', String(b === button && !on));
        if (on) { clear(); into.replaceChildren(); } else if (l.features > most) { clear(); into.replaceChildren(h('p', { class: 'notice-line' }, t('pieces.many', { n: count(l.features), most: count(most) }))); } else list(l, into);
      },
    }, t('pieces.show', { layer: title(l.layer), n: count(l.features) }));
    return button;
  });
  return [h('h3', null, t('pieces.title')), h('div', { class: 'report-buttons pieces-choice', 'data-screen': '' }, buttons), into];
}

interface Listed { table: HTMLElement; light: (n: number | null) => void; go: (n: number) => void }

// createListed makes the table; light marks a piece in it and on the map, go shows its row.
function createListed(app: App, pieces: Piece[], layer: LayerAnswer): Listed {
  const { map } = app;
  const rows = new Map<number, HTMLElement>();
  let lit: number | null = null;
  const light = (n: number | null) => {
    if (n === lit) return;
    const set = (id: number | null, on: boolean) => {
      if (id === null) return;
      if (map.getSource('ask-pieces')) map.setFeatureState({ source: 'ask-pieces', id }, { hot: on });
      rows.get(id)?.classList.toggle('hot', on);
    };
    set(lit, false);
    set(n, true);
    lit = n;
  };
  const body = h('tbody');
  const more = h('button', { type: 'button', 'data-testid': 'pieces-more', onclick: () => add(rows.size + rowsAtOnce) });
  const add = (to: number) => {
    for (let n = rows.size; n < Math.min(to, pieces.length); n++) {
      const row = rowOf(n);
      rows.set(n, row);
      body.append(row);
    }
    more.hidden = rows.size >= pieces.length;
    more.textContent = t('pieces.more', { n: count(Math.min(rowsAtOnce, pieces.length - rows.size)), all: count(pieces.length) });
  };
  const rowOf = (n: number): HTMLElement => {
    const p = pieces[n] as Piece;
    const name = p.code || String(p.id);
    return h('tr', { 'data-testid': 'piece', onmouseenter: () => light(n), onmouseleave: () => light(null) },
      h('th', { scope: 'row' }, h('button', { type: 'button', class: 'link', onfocus: () => light(n), onclick: () => { light(n); reveal(map, extentOf(p.geometry)); } }, name)),
      h('td', { class: 'number' }, figure(muOf(p.area_m2))), h('td', { class: 'number' }, figure(p.area_m2)), h('td', { class: 'number' }, figure(p.net_m2)));
  };
  const go = (n: number) => {
    add(n + 1);
    light(n);
    rows.get(n)?.scrollIntoView({ block: 'center' });
    rows.get(n)?.querySelector('button')?.focus({ preventScroll: true });
  };
  add(rowsAtOnce);
  return { table: h('div', { 'data-testid': 'pieces' }, tableOf(body, pieces, layer), h('div', { class: 'report-buttons', 'data-screen': '' }, more)), light, go };
}

function tableOf(body: HTMLElement, pieces: Piece[], layer: LayerAnswer): HTMLElement {
  const sum = pieces.reduce((total, p) => total + p.area_m2, 0);
  const off = sum - (layer.gross_area_m2 ?? sum);
  // Each piece is rounded to 0.0001 m², or as the policy says.
  const agrees = Math.abs(off) <= 0.01;
  const column = (text: string) => h('th', { scope: 'col', class: 'number' }, text);
  return h('table', { class: 'areas pieces' },
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('pieces.code')), column(t('overlay.mu')), column(t('overlay.m2')), column(`${t('overlay.net')} ${t('overlay.m2')}`))),
    body,
    h('tfoot', null,
      h('tr', null, h('th', { scope: 'row' }, t('pieces.sum', { n: count(pieces.length) })), h('td', { class: 'number' }, figure(muOf(sum))), h('td', { class: 'number' }, figure(sum, 'pieces-sum')), h('td')),
      h('tr', { class: agrees ? 'facts-row' : 'facts-row off' }, h('td', { colSpan: 4 }, agrees ? t('pieces.same') : t('pieces.off', { m2: area(off) })))));
}

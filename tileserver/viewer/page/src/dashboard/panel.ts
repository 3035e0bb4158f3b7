// The card of the dashboard: what is chosen, the place that is looked at, the four views.

import type { App } from '../app';
import { chartWords } from '../charts/words';
import { onVintage } from '../core/api';
import { $, h, type Child } from '../core/dom';
import type { Unit } from '../core/format';
import { onLang, t } from '../core/i18n';
import { addWords } from '../core/words';
import type { List } from '../jobs/answers';
import { setShape } from '../map/map';
import type { Card } from '../shell/cards';
import { narrow, showLayers } from '../shell/frame';
import { chooser, load, segments, type Desk, type Loading, type State, type View } from './desk';
import { flowView } from './flow';
import { goalView } from './goal';
import { below, parents } from './model';
import { goTo } from './place';
import { rankView } from './rank';
import { offered } from './source';
import { trendView } from './trend';
import { dashboardWords } from './words';

const views: Record<View, (desk: Desk) => Child> = { rank: rankView, trend: trendView, progress: goalView, flow: flowView };
const viewNames = Object.keys(views) as View[];

export interface Panel {
  // show opens the card at a link's text, '' as it was.
  show(link: string): void;
  // link is what is chosen, as the address keeps it; null while the card is shut.
  link(): string | null;
}

// createPanel makes the card's content; changed runs when something else is shown.
export function createPanel(app: App, card: Card, changed: () => void): Panel {
  addWords(chartWords);
  addWords(dashboardWords);
  const state: State = {
    view: 'rank', place: '', level: 'township', layer: 'cropland', kind: 'net', unit: 'mu', year: '', order: 'rank', down: false, picked: '', shown: '', classes: 4, area: 'area', unchanged: false, from: '', to: '',
  };
  const root = h('div', { class: 'dash', 'data-testid': 'dash' });
  const kept = new Map<string, unknown>();
  let list: List | null = null;
  let stop = new AbortController();
  const aside = () => { if (!narrow()) { $('side').classList.remove('wide'); showWidth(root); } };
  const desk: Desk = {
    app, state, root, list: () => list, aside,
    set(change) { Object.assign(state, change); render(); changed(); },
    go: app.may('features') ? (code) => { state.picked = code; mark(root, code); aside(); void goTo(app, code); changed(); } : undefined,
    load: (key, work, show) => load(loading(), key, work, show),
  };
  const loading = (): Loading => ({ signal: stop.signal, kept, shown: () => mark(root, state.picked) });
  const render = () => {
    stop.abort();
    stop = new AbortController();
    const focused = root.contains(document.activeElement) ? document.activeElement?.getAttribute('data-testid') : null;
    const body = load(loading(), 'questions', (_, signal) => offered(signal), (found) => { list = found; return views[state.view](desk); });
    root.replaceChildren(head(desk), body);
    showWidth(root);
    if (focused) root.querySelector<HTMLElement>(`[data-testid="${CSS.escape(focused)}"]`)?.focus();
  };
  onLang(() => { if (card.isOpen()) render(); });
  onVintage(() => { if (card.isOpen()) { Object.assign(state, { year: '', from: '', to: '' }); render(); changed(); } });
  return {
    show(link) {
      if (link) read(link, state);
      if (!narrow()) showLayers(false);
      card.open(root, () => { stop.abort(); kept.clear(); setShape(app.map, 'selected', null); changed(); });
      render();
      changed();
    },
    link: () => (card.isOpen() ? [state.view, state.place, state.level, state.layer, state.kind, state.unit, state.year].join(',') : null),
  };
}

// read takes a link apart; what it does not know stays as it was.
function read(link: string, state: State): void {
  const [view, place = '', level, layer, kind, unit, ...year] = link.split(',');
  const one = <T extends string>(all: readonly T[], text: string | undefined, other: T): T => all.find((v) => v === text) ?? other;
  state.view = one(viewNames, view, state.view);
  if (/^(\d{4}|\d{6}|\d{9}|\d{12}|)$/.test(place)) state.place = place;
  state.level = one(below(state.place), level, below(state.place)[0] ?? 'group');
  state.layer = one(['cropland', 'pbf', 'hsf'] as const, layer, state.layer);
  state.kind = one(['net', 'patch', 'ground', 'gross'] as const, kind, state.kind);
  state.unit = one(['mu', 'ha', 'm2'] as const, unit, state.unit);
  state.year = year.join(','); // a vintage is text, and stands last
}

function head(desk: Desk): HTMLElement {
  const { state } = desk;
  return h('div', { class: 'dash-head' },
    segments('view', 'dash.views', state.view, viewNames.map((value) => ({ value, text: t(`dash.${value}`) })), (view) => desk.set({ view })),
    crumbs(desk),
    h('div', { class: 'dash-tools' }, chooser('unit', 'dash.unit', state.unit, (['mu', 'ha', 'm2'] as Unit[]).map((value) => ({ value, text: t(`dash.unit.${value}`) })), (unit) => desk.set({ unit })),
      h('button', { type: 'button', class: 'dash-width', 'data-testid': 'dash-width', onclick: (e: Event) => { $('side').classList.toggle('wide'); showWidth((e.currentTarget as HTMLElement).closest<HTMLElement>('.dash') ?? document.body); } })));
}

// showWidth names what the button of the width does.
function showWidth(root: HTMLElement): void {
  const button = root.querySelector('.dash-width');
  if (button) button.textContent = t($('side').classList.contains('wide') ? 'dash.fold' : 'dash.widen');
}

// crumbs are the places around the one that is looked at.
function crumbs(desk: Desk): HTMLElement {
  const { place } = desk.state;
  const step = (code: string) => h('button', { type: 'button', 'data-testid': `dash-crumb-${code || 'all'}`, 'aria-current': code === place ? 'true' : null, onclick: () => desk.set({ place: code, level: code ? below(code)[0] ?? 'group' : 'township', shown: '', picked: '' }) }, code || t('dash.all'));
  return h('nav', { class: 'dash-crumbs', 'aria-label': t('dash.scope') }, h('ol', null, ['', ...parents(place)].map((code) => h('li', null, step(code)))));
}

// mark shows which place was picked.
function mark(root: HTMLElement, code: string): void {
  for (const el of root.querySelectorAll<HTMLElement>('tr[data-code]')) el.classList.toggle('picked', el.dataset.code === code);
  for (const el of root.querySelectorAll<HTMLElement>('button.bar-row[data-key]')) el.setAttribute('aria-pressed', String(el.dataset.key === code));
}

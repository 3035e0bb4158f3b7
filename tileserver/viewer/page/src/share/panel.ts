// The panel of service addresses: which layers, in which grid, for which program, each with
// a button that copies it; and the link to what the page shows.

import type { App } from '../app';
import { currentToken, hasToken, onVintage, tier, tierURL, vintage } from '../core/api';
import { layerOf, measured, type Entry } from '../core/catalog';
import { h, type Child } from '../core/dom';
import { joined, onLang, pick, t } from '../core/i18n';
import { writeLink } from '../core/link';
import { addWords } from '../core/words';
import { createCard } from '../shell/cards';
import { copyText } from '../shell/messages';
import { addresses, limit, programs, type Address, type Program } from './addresses';
import type { Choice, Grid, Look } from './choice';
import { shareWords } from './words';

// State is what is chosen: a layer's name, all or shown; withToken is never kept.
interface State { layers: string; grid: Grid; program: Program; withToken: boolean }

const [allLayers, shownLayers] = ['*all', '*shown'];

// createShare makes the card; open shows it.
export function createShare(app: App): { open: () => void } {
  addWords(shareWords);
  const card = createCard('share', 'side.share');
  const state: State = { layers: allLayers, grid: 'w', program: 'address', withToken: false };
  const out = h('div', { class: 'share-list', 'data-testid': 'share-list' });
  const list = () => out.replaceChildren(...listOf(app, state));
  const render = () => { list(); return h('div', { class: 'share' }, linkBox(), choices(app, state, list), out); };
  const again = () => { if (card.isOpen()) card.fill(render()); };
  onVintage(again);
  let first = true;
  onLang(() => { if (!first) again(); first = false; });
  // What was ticked is not ticked when the panel is opened again.
  return { open: () => card.open(render(), () => { state.withToken = false; }) };
}

// linkBox copies the address of what the page shows.
function linkBox(): HTMLElement {
  return h('div', { class: 'share-link' },
    h('div', null, h('h3', null, t('share.link')), h('p', { class: 'note' }, t('share.link.note'))),
    h('button', { type: 'button', class: 'share-copy', 'data-testid': 'share-link', 'aria-label': t('share.copy.of', { what: t('share.link') }), onclick: () => { writeLink(); void copyText(location.href); } }, t('share.copy')));
}

// choices are the controls; changed runs after each change.
function choices(app: App, state: State, changed: () => void): Child {
  const radios = <T extends string>(name: string, all: readonly T[], chosen: T, label: (v: T) => string, choose: (v: T) => void) => all.map((v) => h('label', { class: 'chip' },
    h('input', { type: 'radio', name, value: v, checked: v === chosen, 'data-testid': `${name}-${v}`, onchange: () => { choose(v); changed(); } }), h('span', null, label(v))));
  const select: HTMLSelectElement = h('select', { 'data-testid': 'share-layers', onchange: () => { state.layers = select.value; changed(); } },
    options(app).map(([value, label]) => h('option', { value, selected: value === state.layers }, label)));
  return [
    h('label', { class: 'share-row' }, h('span', null, t('share.layers')), select),
    h('fieldset', { class: 'share-row' }, h('legend', null, t('share.grid')), h('div', { class: 'chips' }, radios('share-grid', ['w', 'c'] as const, state.grid, (v) => t(`share.grid.${v}`), (v) => { state.grid = v; }))),
    h('fieldset', { class: 'share-row' }, h('legend', null, t('share.program')), h('div', { class: 'chips' }, radios('share-program', programs, state.program, (v) => t(`share.program.${v}`), (v) => { state.program = v; }))),
    hasToken() && h('label', { class: 'share-token' }, h('input', { type: 'checkbox', 'data-testid': 'share-token', checked: state.withToken, onchange: (e: Event) => { state.withToken = (e.target as HTMLInputElement).checked; changed(); } }), h('span', null, t('share.token'))),
  ];
}

// options are the groups of layers, then each layer.
function options(app: App): [value: string, label: string][] {
  const title = (name: string) => pick(layerOf(app.catalog, name).title);
  const main = measured(app.catalog);
  const shown = shownNames(app);
  return [
    ...(main.length ? [[allLayers, t('share.all', { names: joined(main.map(title)) })] as [string, string]] : []),
    ...(shown.length ? [[shownLayers, t('share.shown', { n: shown.length })] as [string, string]] : []),
    ...app.catalog.layers.map((l) => [l.name, pick(l.title)] as [string, string]),
  ];
}

// shownNames are the layers that the map shows, as many as one address may name.
const shownNames = (app: App): string[] => [...app.layers.on().keys()].slice(0, app.catalog.limits.tile_layers ?? 16);

// choiceOf is what addresses are made for.
function choiceOf(app: App, state: State): Choice {
  const { catalog, map } = app;
  const group = state.layers === allLayers;
  const names = group ? [...measured(catalog), 'region'].filter((name) => catalog.layers.some((l) => l.name === name))
    : state.layers === shownLayers ? shownNames(app) : [state.layers];
  const { lng, lat } = map.getCenter().wrap();
  return {
    base: baseOf(catalog.services.style), names, group, grid: state.grid, vintage: vintage(), token: state.withToken ? currentToken() : '',
    centre: [lng, lat], zoom: Math.max(1, Math.min(16, Math.round(map.getZoom()))), maxzoom: catalog.maxzoom,
    looks: Object.fromEntries(names.flatMap((name) => lookOf(layerOf(catalog, name).entries[0]).map((look) => [name, look]))),
  };
}

// lookOf is how the first class of a layer looks; none where its legend is not known, or
// speaks in other colours than code can be sure of.
function lookOf(entry: Entry | undefined): Look[] {
  const sure = (colour: string | undefined): colour is string => /^#[0-9a-f]{6}$/i.test(colour ?? '');
  if (!entry || !(sure(entry.fill) || sure(entry.line))) return [];
  const line = sure(entry.line) ? entry.line : '#4c5954';
  return [sure(entry.fill) ? { fill: entry.fill, opacity: entry.fill_opacity ?? 1, line } : { fill: line, opacity: 0, line }];
}

// baseOf is the tier's address as the server gives it to others, which a proxy may have
// made another than the page's.
function baseOf(style: string | undefined): string {
  const at = style?.indexOf('/style.json') ?? -1;
  return style && at > 0 ? style.slice(0, at) : tierURL('').replace(/\/$/, '');
}

function listOf(app: App, state: State): HTMLElement[] {
  const choice = choiceOf(app, state);
  const said = limit(state.program, choice);
  const p = (testid: string, words: string, warn = false) => h('p', { class: warn ? 'notice-line' : 'note', 'data-testid': testid }, words);
  return [
    ...(state.withToken ? [p('share-warning', t('share.token.warn'), true)] : tier === 'public' ? [] : [p('share-none', t('share.token.none'))]),
    ...(choice.vintage ? [p('share-vintage', t('share.vintage', { vintage: choice.vintage }))] : []),
    ...(said ? [p('share-limit', t(said), state.program === 'maplibre')] : []),
    ...addresses(state.program, choice).map(item),
  ];
}

// item is one address or piece of code with its button.
function item(a: Address): HTMLElement {
  const title = t(a.title);
  return h('div', { class: 'share-item', 'data-testid': `share-${a.id}` },
    h('div', { class: 'share-head' },
      h('div', null, h('h4', null, title), a.note && h('p', { class: 'note' }, t(a.note))),
      h('button', { type: 'button', class: 'share-copy', 'aria-label': t('share.copy.of', { what: title }), onclick: () => void copyText(a.text) }, t('share.copy'))),
    h('pre', { tabIndex: 0, role: 'group', 'aria-label': title, 'data-type': a.type, 'data-added': a.added ?? '', class: a.type ? 'share-url' : 'share-code' }, a.text));
}

// What the views of the dashboard share: what is chosen, and how each of their states looks:
// on its way, refused, failed, empty.

import type { App } from '../app';
import { aborted, asProblem, vintage } from '../core/api';
import { layerOf } from '../core/catalog';
import { h, type Child } from '../core/dom';
import { formulaText, type Unit } from '../core/format';
import { t, pick } from '../core/i18n';
import type { Key } from '../core/words';
import type { Answer, Ask, List } from '../jobs/answers';
import { drawnIn } from '../map/steps';
import { chooseVintage } from '../map/vintage';
import { yearText } from '../map/year';
import { busyBox, problemBox } from '../shell/messages';
import type { Kind, LayerName, Level, Order } from './model';
import { run, type Told } from './source';

export type View = 'rank' | 'trend' | 'progress' | 'flow';

// State is what is chosen.
export interface State {
  view: View;
  place: string; // '' all
  level: Level; // of the rows
  layer: LayerName;
  kind: Kind;
  unit: Unit;
  year: string; // '' the newest
  order: Order; down: boolean;
  picked: string; // the place that is marked on the map
  shown: string; // the place that trend and progress are of, '' the first
  classes: 2 | 4; area: 'area' | 'booked'; unchanged: boolean;
  from: string; to: string; // years of flows, '' the last two
}

export interface Desk {
  readonly app: App;
  readonly state: State;
  // root is the element that holds all of the dashboard.
  readonly root: HTMLElement;
  list(): List | null;
  // set changes what is chosen and shows the dashboard anew.
  set(change: Partial<State>): void;
  // go shows a place on the map, beside the dashboard; undefined where the user may not ask
  // where it is.
  readonly go: ((code: string) => void) | undefined;
  // aside makes room for the map.
  aside(): void;
  // load returns a box that shows what work gives; it says how far that is, and what is
  // wrong. What was loaded by the same key is shown at once.
  load<T>(key: string, work: (progress: (text: string) => void, signal: AbortSignal) => Promise<T>, show: (loaded: T) => Child): HTMLElement;
}

export interface Loading { signal: AbortSignal; kept: Map<string, unknown>; shown: () => void }

// mostKept is how many answers are kept: one may be of many megabytes.
const mostKept = 16;

// recall returns what is kept by a key, as the one that was used last; undefined where nothing is.
export function recall(kept: Map<string, unknown>, key: string): unknown {
  const found = kept.get(key);
  if (kept.delete(key)) kept.set(key, found);
  return found;
}

// keep keeps something that was loaded by a key, in the stead of what was used longest ago.
export function keep(kept: Map<string, unknown>, key: string, loaded: unknown): void {
  kept.set(key, loaded);
  const [oldest] = kept.keys();
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
}

// load is that of [Desk].
export function load<T>(loading: Loading, key: string, work: (progress: (text: string) => void, signal: AbortSignal) => Promise<T>, show: (loaded: T) => Child): HTMLElement {
  const box = h('div', { class: 'dash-loaded', 'aria-live': 'polite' });
  if (loading.kept.has(key)) {
    box.append(h('div', null, show(recall(loading.kept, key) as T)));
    return box;
  }
  const begin = () => {
    const busy = busyBox(t('dash.wait'));
    busy.dataset.testid = 'dash-busy';
    box.replaceChildren(busy);
    void work((text) => busy.lastChild?.replaceWith(text), loading.signal).then((loaded) => {
      if (loading.signal.aborted) return;
      const shown = h('div', null, show(loaded));
      keep(loading.kept, key, loaded);
      box.replaceChildren(shown);
      loading.shown();
    }).catch((thrown: unknown) => {
      if (aborted(thrown) || loading.signal.aborted) return;
      box.replaceChildren(problemBox(asProblem(thrown), { label: t('retry'), run: begin }));
    });
  };
  begin();
  return box;
}

// analysis is a box that shows the answer of an analysis; where the tier does not answer
// it, or lacks its layers, the box says that and what to do.
export function analysis(desk: Desk, ask: Ask, show: (told: Told) => Child): HTMLElement {
  const refused = whyNot(desk.list(), ask.question);
  return refused ?? desk.load(JSON.stringify(ask), (progress, signal) => run(ask, progress, signal), show);
}

// whyNot says why a question cannot be asked; null where it can.
export function whyNot(list: List | null, question: string): HTMLElement | null {
  const offer = list?.questions.find((q) => q.name === question);
  if (!offer) return said('dash-refused', t('dash.refused'), t('dash.refused.do', { question }));
  if (offer.answerable) return null;
  const layers = offer.layers.filter((l) => !l.there && !l.optional).map((l) => l.layer).join(', ');
  return said('dash-lacking', t('dash.lacking', { layers }), t('dash.lacking.do'));
}

// said is a box of a fact and of what to do about it.
export const said = (testid: string, fact: string, advice = ''): HTMLElement => h('div', { class: 'dash-said', role: 'note', 'data-testid': testid }, h('strong', null, fact), advice && h('p', null, advice));

// nothing says that there is nothing.
export const nothing = (text = t('dash.empty')): HTMLElement => h('p', { class: 'dash-empty', 'data-testid': 'dash-empty' }, text);

// chooser is a choice of one of several, with its name.
export function chooser<T extends string>(id: string, label: Key, value: T, options: { value: T; text: string; off?: boolean }[], change: (value: T) => void): HTMLElement {
  return h('label', { class: 'dash-choice' }, h('span', null, t(label)), h('select', {
    'data-testid': `dash-${id}`, onchange: (e: Event) => change((e.target as HTMLSelectElement).value as T),
  }, options.map((o) => h('option', { value: o.value, selected: o.value === value, disabled: o.off ?? false }, o.text))));
}

// segments is a choice of few, all to be seen.
export function segments<T extends string>(id: string, label: Key, value: T, options: { value: T; text: string }[], change: (value: T) => void): HTMLElement {
  return h('div', { class: 'dash-segments', role: 'group', 'aria-label': t(label) }, options.map((o) => h('button', {
    type: 'button', 'data-testid': `dash-${id}-${o.value}`, 'aria-pressed': String(o.value === value), onclick: () => change(o.value),
  }, o.text)));
}

export const unitText = (unit: Unit): string => t(`dash.unit.${unit}`);

// nameOf is what a place is called: its name, or its code.
export const nameOf = (p: { code: string; name: string }): string => p.name || p.code || t('dash.all');

// differs says that figures are of another vintage than the map shows of their layer, and
// offers to show theirs; nothing where they agree. also is the other end of a comparison.
export function differs(desk: Desk, layer: string, year: string, also = ''): Child {
  const { catalog } = desk.app;
  const onMap = drawnIn(layerOf(catalog, layer).vintages, vintage()) ?? vintage();
  if (!year || !onMap || [year, also].includes(onMap)) return null;
  return h('p', { class: 'notice-line', 'data-testid': 'dash-differs' }, t('dash.differs', { year: yearText(year), map: yearText(onMap) }), ' ',
    h('button', { type: 'button', class: 'dash-link', 'data-testid': 'dash-differs-show', onclick: () => chooseVintage(catalog, year) }, t('dash.differs.show', { year: yearText(year) })));
}

// vintagesOf are the vintages of what an answer is made of, the newest first.
export const vintagesOf = ({ layers }: Answer): string => [...new Set(layers.flatMap((l) => (l.missing || !l.vintage ? [] : [l.vintage])))].sort().reverse().join(' ');

// sourceLine says which answer the figures are of.
export function sourceLine({ job, answer }: Told): HTMLElement {
  return h('p', { class: 'note dash-source', 'data-testid': 'dash-source' }, t('dash.source.analysis', {
    question: pick(answer.title), vintage: vintagesOf(answer), run: answer.run, generation: answer.generation, rules: answer.rules.version, formula: formulaText(answer.formula),
  }), job.current ? '' : ` ${t('error.410')}`);
}

// chip marks what no officer answers for.
export const chip = (): HTMLElement => h('span', { class: 'dash-chip', 'data-testid': 'dash-unconfirmed' }, t('dash.unconfirmed'));

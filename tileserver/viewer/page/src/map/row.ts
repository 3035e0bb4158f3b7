// One row of the card of layers: switch, opacity, place in the order, legend and record.

import type { Counted } from '../core/catalog';
import { hasVintage } from '../core/catalog';
import { h, icon, swatch, type Child } from '../core/dom';
import { count } from '../core/format';
import { lang, pick, t } from '../core/i18n';
import type { Layers, Shown } from './layers';
import { recordBox } from './record';
import { yearText } from './year';

// Year is a vintage that is shown and what there is of each layer in it; null while that is
// not known.
export interface Year { vintage: string; counts: ReadonlyMap<string, Counted> | null }

// Row is a row in the card; sync shows the layer's state in it.
export interface Row { item: HTMLElement; sync: () => void }

// RowOptions are what a row depends on beside its layer.
export interface RowOptions {
  layers: Layers;
  years: readonly Year[];
  // ends tells whether the row is the top or the bottom of the stack.
  top: boolean;
  bottom: boolean;
  // removable rows can be taken off the map.
  removable: boolean;
  // unfolded rows show their legend; fold is told when that changes.
  unfolded: boolean;
  fold: (open: boolean) => void;
}

// layerRow makes the row of a layer.
export function layerRow(l: Shown, o: RowOptions): Row {
  const title = pick(l.layer.title);
  const item = h('li', { class: 'layer', lang: lang() === 'zh' ? 'zh-CN' : 'en', 'data-testid': `layer-${l.name}` });
  const toggle = switchOf(l, o.layers, 'layer-toggle');
  const value = h('output', { class: 'opacity-value' });
  const slider: HTMLInputElement = h('input', {
    type: 'range', min: '0', max: '100', step: '5',
    'aria-label': t('layers.opacity', { layer: title }), 'data-testid': `layer-opacity-${l.name}`,
    oninput: () => o.layers.set(l.name, { opacity: Number(slider.value) / 100 }),
  });
  const sync = () => {
    const percent = Math.round(l.opacity * 100);
    toggle.checked = l.visible;
    item.classList.toggle('off', !l.visible);
    slider.disabled = !l.visible;
    slider.value = String(percent);
    slider.setAttribute('aria-valuetext', `${percent}%`);
    value.textContent = `${percent}%`;
  };
  item.append(
    h('label', { class: 'layer-head' }, swatch(l.layer.entries[0]), h('span', { class: 'layer-title' }, title), toggle),
    h('p', { class: 'layer-facts' }, factsOf(l, o.years)),
    h('div', { class: 'opacity' }, slider, value, ...moves(l, title, o)),
    legend(l, o) ?? '',
    recordBox(l.layer) ?? '');
  sync();
  return { item, sync };
}

// switchOf is the switch of a layer, in the stack and in the list of all layers; id begins
// its data-testid.
export function switchOf(l: Shown, layers: Layers, id: string): HTMLInputElement {
  const toggle: HTMLInputElement = h('input', {
    type: 'checkbox', role: 'switch', class: 'switch', checked: l.visible, 'data-testid': `${id}-${l.name}`, 'aria-label': t('layers.show', { layer: pick(l.layer.title) }),
    onchange: () => layers.set(l.name, toggle.checked ? { visible: true, stacked: true } : { visible: false }),
  });
  return toggle;
}

function moves(l: Shown, title: string, o: RowOptions): Child[] {
  const button = (name: 'up' | 'down' | 'remove', drawing: string, disabled: boolean, run: () => void) => h('button', {
    type: 'button', class: 'tiny', disabled, title: t(`layers.${name}`), 'aria-label': t(`layers.${name}.of`, { layer: title }), 'data-testid': `layer-${name}-${l.name}`, onclick: run,
  }, icon(drawing));
  return [
    !(o.top && o.bottom) && button('up', 'm7 14 5-5 5 5', o.top, () => o.layers.move(l.name, 1)),
    !(o.top && o.bottom) && button('down', 'm7 10 5 5 5-5', o.bottom, () => o.layers.move(l.name, -1)),
    o.removable && button('remove', 'm8 8 8 8M16 8l-8 8', false, () => o.layers.set(l.name, { stacked: false })),
  ];
}

// factsOf says of each vintage that is shown how much the layer has, or that it has no such
// vintage and which it has.
function factsOf(l: Shown, years: readonly Year[]): Child[] {
  return years.map((year) => {
    if (!hasVintage(l.layer, year.vintage)) {
      return h('span', { class: 'layer-lacks', 'data-testid': `layer-lacks-${l.name}` }, t('layers.lacks', { vintage: yearText(year.vintage), there: l.layer.vintages.join(' ') }));
    }
    const counted = year.counts?.get(l.name);
    const [before = '', after = ''] = t(l.name === 'region' ? 'layers.places' : 'layers.count', { n: '|' }).split('|');
    return h('span', { 'data-testid': `layer-facts-${l.name}`, 'data-vintage': counted?.vintage ?? year.vintage },
      counted ? [
        counted.vintage && yearText(counted.vintage), counted.vintage && counted.features != null && ' · ',
        counted.features != null && [before, h('data', { value: String(counted.features) }, count(counted.features)), after],
      ] : '…');
  });
}

function legend(l: Shown, o: RowOptions): HTMLElement | null {
  const { entries } = l.layer;
  if (entries.length < 2) return null;
  return h('details', { class: 'entries-fold', open: o.unfolded, 'data-testid': `layer-legend-${l.name}`, ontoggle: (e: Event) => o.fold((e.target as HTMLDetailsElement).open) },
    h('summary', null, t('layers.legend', { n: entries.length })),
    h('ul', { class: 'entries' }, entries.map((e) => h('li', null, swatch(e), h('span', null, pick(e.label) || (e.value ?? ''))))));
}

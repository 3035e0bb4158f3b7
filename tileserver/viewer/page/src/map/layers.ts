// The card of layers: switch, opacity and legend of each, and what they do to
// the map's style layers (<layer>-fill, <layer>-line, <layer>-label …).

import type { Map as GLMap, LayerSpecification } from 'maplibre-gl';
import type { Catalog, Layer } from '../core/catalog';
import { $, h, swatch } from '../core/dom';
import { count } from '../core/format';
import { lang, onLang, pick, t } from '../core/i18n';
import { linkPart, readLayers, writeLayers, writeLink } from '../core/link';
import { recordBox } from './record';

const opacityProperties: Record<string, string[]> = {
  fill: ['fill-opacity'], line: ['line-opacity'], symbol: ['text-opacity', 'icon-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'], raster: ['raster-opacity'],
};

// Shown is a layer as the map shows it.
export interface Shown {
  name: string;
  layer: Layer;
  styleLayers: LayerSpecification[];
  original: Map<string, unknown>; // opacities by "id property", as the style has them
  visible: boolean;
  opacity: number; // 0 to 1, multiplies the style's own
}

export interface Layers {
  readonly list: readonly Shown[];
  // apply shows the layers of wanted, by name with their opacity, and hides the others.
  apply(wanted: Map<string, number>): void;
  // on are those that are shown, as apply takes them.
  on(): Map<string, number>;
}

// createLayers fills the card; changed runs after each change.
export function createLayers(map: GLMap, catalog: Catalog): Layers {
  const list = catalog.layers.map((layer) => describe(map, layer)).filter((l) => l.styleLayers.length);
  const first = new Map(list.filter((l) => l.visible).map((l) => [l.name, 1]));
  const render = () => $('layer-list').replaceChildren(...list.map((l) => row(map, l)));
  const layers: Layers = {
    list,
    apply(wanted) {
      for (const l of list) {
        l.visible = wanted.has(l.name);
        l.opacity = wanted.get(l.name) ?? l.opacity;
        paint(map, l);
      }
      render();
    },
    on: () => new Map(list.filter((l) => l.visible).map((l) => [l.name, l.opacity])),
  };
  onLang(render);
  linkPart({ key: 'layers', write: () => writeLayers(layers.on()), read: (text) => layers.apply(readLayers(text) ?? first) });
  return layers;
}

// scaled returns a style value for an opacity, multiplied by factor. Values that
// depend on the zoom are multiplied at each stop, since ["zoom"] may only stand
// at the outside of an expression.
export function scaled(value: unknown, factor: number): unknown {
  if (value === undefined || value === null) return factor;
  if (typeof value === 'number') return value * factor;
  if (Array.isArray(value)) {
    const [operator] = value as unknown[];
    const firstOutput = operator === 'step' ? 2 : 4;
    if ((operator === 'step' || operator === 'interpolate') && JSON.stringify(value[firstOutput === 2 ? 1 : 2]) === '["zoom"]') {
      return value.map((v: unknown, i) => (i >= firstOutput && (i - firstOutput) % 2 === 0 ? scaled(v, factor) : v));
    }
    return ['*', factor, value];
  }
  const { stops = [], ...rest } = value as { stops?: [number, unknown][] };
  return { ...rest, stops: stops.map(([at, v]) => [at, scaled(v, factor)]) };
}

function describe(map: GLMap, layer: Layer): Shown {
  const styleLayers = map.getStyle().layers.filter((s) => ('source-layer' in s && s['source-layer'] === layer.name) || ['fill', 'line', 'label'].some((part) => s.id === `${layer.name}-${part}`));
  const original = new Map<string, unknown>();
  for (const s of styleLayers) {
    for (const property of opacityProperties[s.type] ?? []) original.set(`${s.id} ${property}`, (s.paint as Record<string, unknown> | undefined)?.[property]);
  }
  return {
    name: layer.name, layer, styleLayers, original, opacity: 1,
    visible: styleLayers.some((s) => s.layout?.visibility !== 'none'),
  };
}

export function paint(map: GLMap, l: Shown): void {
  for (const s of l.styleLayers) {
    map.setLayoutProperty(s.id, 'visibility', l.visible ? 'visible' : 'none');
    for (const property of opacityProperties[s.type] ?? []) {
      map.setPaintProperty(s.id, property as 'fill-opacity', scaled(l.original.get(`${s.id} ${property}`), l.opacity) as number);
    }
  }
}

function row(map: GLMap, l: Shown): HTMLElement {
  const title = pick(l.layer.title);
  const { entries } = l.layer;
  const item = h('li', { class: l.visible ? 'layer' : 'layer off' });
  const value = h('output', { class: 'opacity-value' }, `${Math.round(l.opacity * 100)}%`);
  const toggle = h('input', {
    type: 'checkbox', role: 'switch', class: 'switch', checked: l.visible, 'data-testid': `layer-toggle-${l.name}`, 'aria-label': t('layers.show', { layer: title }),
    onchange: () => {
      l.visible = toggle.checked;
      item.classList.toggle('off', !l.visible);
      slider.disabled = !l.visible;
      paint(map, l);
      writeLink();
    },
  });
  const slider = h('input', {
    type: 'range', min: '0', max: '100', step: '5', value: String(Math.round(l.opacity * 100)), disabled: !l.visible,
    'aria-label': t('layers.opacity', { layer: title }), 'data-testid': `layer-opacity-${l.name}`,
    oninput: () => {
      l.opacity = Number(slider.value) / 100;
      value.textContent = `${slider.value}%`;
      paint(map, l);
      writeLink();
    },
  });
  const facts = [
    l.layer.vintage && t('layers.vintage', { vintage: l.layer.vintage }),
    l.layer.features != null && t(l.name === 'region' ? 'layers.places' : 'layers.count', { n: count(l.layer.features) }),
  ].filter(Boolean).join(' · ');
  item.append(
    h('label', { class: 'layer-head' },
      swatch(entries[0]),
      h('span', { class: 'layer-title' }, title),
      toggle),
    h('p', { class: 'layer-facts' }, facts),
    h('div', { class: 'opacity' }, slider, value),
    ...(entries.length > 1 ? [h('ul', { class: 'entries' }, entries.map((e) => h('li', null, swatch(e), h('span', null, pick(e.label) || (e.value ?? '')))))] : []),
    recordBox(l.layer) ?? '',
  );
  item.lang = lang() === 'zh' ? 'zh-CN' : 'en';
  return item;
}

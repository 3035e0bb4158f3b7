// The card of layers: switch, opacity and legend of each, and what they do to
// the map's style layers (<layer>-fill, <layer>-line, <layer>-label …).

import { $, h, swatch } from './dom.js';
import { lang, onLang, pick, t } from './i18n.js';
import { count } from './format.js';
import { recordBox } from './record.js';

const opacityProperties = {
  fill: ['fill-opacity'], line: ['line-opacity'], symbol: ['text-opacity', 'icon-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'], raster: ['raster-opacity'],
};

// createLayers fills the card and returns {list, apply(Map name → opacity)}.
// list is [{name, visible, opacity, styleLayers}]; changed runs after each change.
export function createLayers(map, catalog, changed) {
  const list = catalog.layers.map((layer) => describe(map, layer)).filter((l) => l.styleLayers.length);
  const render = () => $('layer-list').replaceChildren(...list.map((l) => row(map, l, changed)));
  onLang(render);
  return {
    list,
    apply(wanted) {
      for (const l of list) {
        l.visible = wanted.has(l.name);
        l.opacity = wanted.get(l.name) ?? l.opacity;
        paint(map, l);
      }
      render();
    },
  };
}

// scaled returns a style value for an opacity, multiplied by factor. Values that
// depend on the zoom are multiplied at each stop, since ["zoom"] may only stand
// at the outside of an expression.
export function scaled(value, factor) {
  if (value === undefined || value === null) return factor;
  if (typeof value === 'number') return value * factor;
  if (Array.isArray(value)) {
    const [operator] = value;
    const firstOutput = operator === 'step' ? 2 : 4;
    if ((operator === 'step' || operator === 'interpolate') && JSON.stringify(value[firstOutput === 2 ? 1 : 2]) === '["zoom"]') {
      return value.map((v, i) => (i >= firstOutput && (i - firstOutput) % 2 === 0 ? scaled(v, factor) : v));
    }
    return ['*', factor, value];
  }
  return { ...value, stops: value.stops?.map(([at, v]) => [at, scaled(v, factor)]) };
}

function describe(map, layer) {
  const styleLayers = map.getStyle().layers.filter((s) => s['source-layer'] === layer.name || ['fill', 'line', 'label'].some((part) => s.id === `${layer.name}-${part}`));
  const original = new Map();
  for (const s of styleLayers) {
    for (const property of opacityProperties[s.type] ?? []) original.set(`${s.id} ${property}`, s.paint?.[property]);
  }
  return {
    name: layer.name, layer, styleLayers, original, opacity: 1,
    visible: styleLayers.some((s) => s.layout?.visibility !== 'none'),
  };
}

function paint(map, l) {
  for (const s of l.styleLayers) {
    map.setLayoutProperty(s.id, 'visibility', l.visible ? 'visible' : 'none');
    for (const property of opacityProperties[s.type] ?? []) {
      map.setPaintProperty(s.id, property, scaled(l.original.get(`${s.id} ${property}`), l.opacity));
    }
  }
}

function row(map, l, changed) {
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
      changed();
    },
  });
  const slider = h('input', {
    type: 'range', min: '0', max: '100', step: '5', value: String(Math.round(l.opacity * 100)), disabled: !l.visible,
    'aria-label': t('layers.opacity', { layer: title }), 'data-testid': `layer-opacity-${l.name}`,
    oninput: () => {
      l.opacity = Number(slider.value) / 100;
      value.textContent = `${slider.value}%`;
      paint(map, l);
      changed();
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
    ...(entries.length > 1 ? [h('ul', { class: 'entries' }, entries.map((e) => h('li', null, swatch(e), h('span', null, pick(e.label) || String(e.value ?? '')))))] : []),
    recordBox(l.layer) ?? '',
  );
  item.lang = lang() === 'zh' ? 'zh-CN' : 'en';
  return item;
}

// The area report: an overlay answer as tables, as CSV and as JSON. The figures
// are the answer's own; the page converts units of those given in m² alone.

import { layerOf } from '../core/catalog';
import { csv } from './csv';
import { h, save, stamp, swatch } from '../core/dom';
import { codeTitle } from '../core/fields';
import { area, count, haOf, muOf, percent } from '../core/format';
import { lang, pick, t } from '../core/i18n';
import { copyText } from '../shell/messages';

const units = ['mu', 'ha', 'm2'];

// report returns the content of the card for an answer.
export function report(catalog, ask, answer, redraw) {
  const title = (name) => pick(layerOf(catalog, name).title);
  const aoi = answer.aoi ?? {};
  return h('div', { class: 'report', 'data-testid': 'overlay-result' },
    head(ask, aoi),
    notices(aoi),
    h('h3', null, t('overlay.layers')),
    layerTable(catalog, answer, title),
    answer.combinations?.length > 0 && [h('h3', null, t('overlay.combinations')), combinationTable(answer, title)],
    answer.failed?.length > 0 && failures(answer.failed, title),
    h('p', { class: 'note' }, t('overlay.kinds')),
    h('p', { class: 'note generation', 'data-testid': 'overlay-generation' }, t('overlay.generation', { generation: answer.generation ?? '—' })),
    h('div', { class: 'report-buttons' },
      h('button', { type: 'button', 'data-testid': 'overlay-csv', onclick: () => save(csv(answer, title), 'text/csv;charset=utf-8', `gengtu-overlay-${stamp()}.csv`) }, t('download')),
      h('button', { type: 'button', 'data-testid': 'overlay-json', onclick: () => copyText(JSON.stringify(answer, null, 2)) }, t('copy')),
      ask.geometry && h('button', { type: 'button', onclick: redraw }, t('overlay.redo'))));
}

function head(ask, aoi) {
  return h('div', { class: 'aoi' },
    h('h3', null, ask.place ? t('overlay.aoi.place', { name: ask.name || ask.place }) : t('overlay.aoi')),
    h('p', { class: 'aoi-main' }, figure(aoi.area_mu ?? muOf(aoi.area_m2), 'overlay-aoi-mu'), h('span', null, t('overlay.mu'))),
    h('p', { class: 'aoi-other' },
      figure(aoi.area_ha ?? haOf(aoi.area_m2), 'overlay-aoi-ha'), ' ', t('overlay.ha'), h('i', null),
      figure(aoi.area_m2, 'overlay-aoi-m2'), ' ', t('overlay.m2')));
}

// figure is a number as text with the number as it was given beside it.
function figure(n, testid) {
  return h('data', { value: n == null ? '' : String(n), title: n == null ? '' : String(n), 'data-testid': testid }, area(n));
}

function notices(aoi) {
  const problems = (aoi.problems ?? []).map((p) => {
    const code = typeof p === 'string' ? p : p.code;
    const own = lang() === 'zh' ? p.zh : p.en;
    return { code, text: code === 'AOI_OUTSIDE' ? t('overlay.outside.all') : own ?? p.detail ?? p.message ?? '' };
  });
  if (aoi.mended && !problems.length) problems.push({ code: '', text: t('overlay.mended') });
  return problems.map(({ code, text }) => h('p', { class: 'notice-line', 'data-testid': 'overlay-problem' }, text, code && h('code', null, code)));
}

function columns(first) {
  return h('thead', null, h('tr', null, h('th', { scope: 'col' }, first), units.map((u) => h('th', { scope: 'col', class: 'number' }, t(`overlay.${u}`)))));
}

function layerTable(catalog, answer, title) {
  const total = answer.aoi?.area_m2 ?? 0;
  const bodies = (answer.layers ?? []).map((l) => {
    const layer = layerOf(catalog, l.layer);
    const values = { mu: l.area_mu ?? muOf(l.area_m2), ha: l.area_ha ?? haOf(l.area_m2), m2: l.area_m2 };
    const share = [t('overlay.features', { n: count(l.features) }), t('overlay.share', { p: percent(l.area_m2, total) }), l.vintage].filter(Boolean).join(' · ');
    const gross = l.gross_area_m2 != null && l.gross_area_m2 - l.area_m2 > 0.005 ? l.gross_area_m2 : null;
    return h('tbody', { 'data-testid': `overlay-layer-${l.layer}` },
      h('tr', { class: 'main-row' },
        h('th', { scope: 'row' }, swatch(layer.entries[0]), title(l.layer)),
        units.map((u) => h('td', { class: 'number' }, figure(values[u], `overlay-area-${l.layer}-${u}`)))),
      h('tr', { class: 'facts-row' }, h('td', { colSpan: 4 }, share)),
      (l.groups ?? []).map((g) => groupRow(layer, g)),
      l.patch_m2 != null && subRow(t('overlay.patch'), l.patch_m2, null, `overlay-patch-${l.layer}`),
      l.net_m2 != null && subRow(t('overlay.net'), l.net_m2, l.net_mu, `overlay-net-${l.layer}`),
      gross != null && subRow(t('overlay.gross'), gross, null, `overlay-gross-${l.layer}`));
  });
  return h('table', { class: 'areas' }, columns(t('overlay.layer')), bodies);
}

function subRow(label, m2, mu, testid) {
  const values = { mu: mu ?? muOf(m2), ha: haOf(m2), m2 };
  return h('tr', { class: 'sub-row' }, h('th', { scope: 'row' }, label), units.map((u) => h('td', { class: 'number' }, figure(values[u], `${testid}-${u}`))));
}

function groupRow(layer, group) {
  const code = group.DLBM ?? '';
  const entry = layer.entries.find((e) => e.value === code);
  const name = codeTitle('class', code, lang());
  return h('tr', { class: 'sub-row' },
    h('th', { scope: 'row' }, entry && swatch(entry), name ? `${code} ${name}` : code || '—'),
    [muOf(group.area_m2), haOf(group.area_m2), group.area_m2].map((n, i) => h('td', { class: 'number' }, figure(n, `overlay-group-${code}-${units[i]}`))));
}

function combinationTable(answer, title) {
  const total = answer.combinations.reduce((sum, c) => sum + c.area_m2, 0);
  const off = total - (answer.aoi?.area_m2 ?? 0);
  // Each line is rounded to 0.01 m², so that is what the sum may be off by a line.
  const agrees = Math.abs(off) <= 0.01 * answer.combinations.length;
  const join = lang() === 'zh' ? '、' : ', ';
  const line = (c, i) => h('tr', { 'data-testid': `overlay-combination-${i}` },
    h('th', { scope: 'row' },
      c.inside?.length ? c.inside.map(title).join(' ∩ ') : t('overlay.nothing'),
      c.inside?.length > 0 && c.outside?.length > 0 && h('small', null, t('overlay.outside', { names: c.outside.map(title).join(join) }))),
    [muOf(c.area_m2), haOf(c.area_m2), c.area_m2].map((n) => h('td', { class: 'number' }, figure(n))));
  return h('table', { class: 'areas combinations', 'data-testid': 'overlay-combinations' },
    columns(t('overlay.inside')),
    h('tbody', null, answer.combinations.map(line)),
    h('tfoot', null,
      h('tr', null, h('th', { scope: 'row' }, t('overlay.total')), [muOf(total), haOf(total), total].map((n, i) => h('td', { class: 'number' }, figure(n, `overlay-total-${units[i]}`)))),
      h('tr', { class: agrees ? 'facts-row' : 'facts-row off' }, h('td', { colSpan: 4 }, agrees ? t('overlay.sum') : t('overlay.sum.off', { m2: area(off) })))));
}

function failures(failed, title) {
  return h('details', { class: 'failed', 'data-testid': 'overlay-failed' },
    h('summary', null, t('overlay.failed', { n: failed.length })),
    h('ul', null, failed.map((f) => h('li', null,
      typeof f === 'string' ? f : [f.layer && title(f.layer), f.key ?? f.id, (lang() === 'zh' ? f.zh : f.en) ?? f.detail ?? f.reason, f.code].filter(Boolean).join(' · ')))));
}

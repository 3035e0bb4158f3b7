// What leaves the page: files of the figures and the shape, the server's own forms, and the
// sheet for the printer.

import type { Feature } from 'geojson';
import { asProblem, dated, tierURL } from '../core/api';
import { h, save, stamp, type Child } from '../core/dom';
import { t } from '../core/i18n';
import type { Key } from '../core/words';
import { printSheet } from '../print/print';
import { copyText, toastProblem } from '../shell/messages';
import type { Answer, Asked } from './answer';
import type { Context } from './context';
import { csv } from './csv';
import { single } from './pieces';
import { fetchForm, sentOf, type Extra, type Sent } from './requests';
import { titleIn } from './tables';

// saveForm saves the server's answer in one of its forms, and says what is wrong with it.
export async function saveForm(c: Context, sent: Sent, beside: Record<string, string>, ending: string, extra: Extra = {}): Promise<void> {
  try {
    const blob = await fetchForm(c.app.catalog, sent, beside, extra);
    save(blob, blob.type, `gengtu-overlay-${stamp()}.${ending}`);
  } catch (thrown) {
    toastProblem(asProblem(thrown));
  }
}

// exportButtons are the ways out of a report of one shape.
export function exportButtons(c: Context, asked: Asked, answer: Answer): Child {
  const sent = sentOf(asked);
  const { catalog } = c.app;
  const button = (label: Key, testid: string, run: () => unknown) => h('button', { type: 'button', 'data-testid': testid, onclick: () => void run() }, t(label));
  return [
    h('div', { class: 'report-buttons' },
      button('download', 'overlay-csv', () => save(csv([{ name: asked.name ?? asked.place ?? '', answer }], titleIn(catalog)), 'text/csv;charset=utf-8', `gengtu-overlay-${stamp()}.csv`)),
      button('overlay.xlsx', 'overlay-xlsx', () => saveForm(c, sent, { f: 'xlsx' }, 'xlsx')),
      button('overlay.print', 'overlay-print', printSheet)),
    h('details', { class: 'more' },
      h('summary', { 'data-testid': 'overlay-more' }, t('overlay.more')),
      h('div', { class: 'report-buttons' },
        asked.geometry && button('overlay.geojson', 'overlay-geojson', () => save(shapeJSON(asked, answer), 'application/geo+json', `gengtu-overlay-${stamp()}.geojson`)),
        single(c.app) && button('overlay.geojson.pieces', 'overlay-geojson-pieces', () => saveForm(c, sent, { f: 'geojson' }, 'geojson', { pieces: true, combinations: false })),
        button('overlay.sheet', 'overlay-sheet', () => saveForm(c, sent, { f: 'html' }, 'html')),
        catalog.services['verify'] && button('overlay.receipt', 'overlay-receipt', () => saveForm(c, sent, { receipt: '1' }, 'json')),
        button('copy', 'overlay-json', () => copyText(JSON.stringify(answer, null, 2))))),
  ];
}

// shapeJSON is the shape as a GeoJSON feature whose properties are the answer's figures.
function shapeJSON(asked: Asked, answer: Answer): string {
  const aoi = answer.aoi ?? {};
  const properties: Record<string, unknown> = { name: asked.name ?? '', generation: answer.generation, tier: answer.tier, formula: answer.formula, area_m2: aoi.area_m2, area_mu: aoi.area_mu, area_ha: aoi.area_ha };
  for (const l of answer.layers ?? []) {
    for (const key of ['vintage', 'features', 'area_m2', 'area_mu', 'area_ha', 'patch_m2', 'net_m2', 'net_mu'] as const) properties[`${l.layer}_${key}`] = l[key];
  }
  const feature: Feature = { type: 'Feature', properties, geometry: asked.geometry ?? null as unknown as Feature['geometry'] };
  return JSON.stringify({ type: 'FeatureCollection', source: dated(tierURL('overlay')), features: [feature] });
}

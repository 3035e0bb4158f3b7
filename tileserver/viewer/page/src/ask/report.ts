// The report of one shape or place: its area, the tables, the pieces, and what can be done
// with it.

import { h, type Child } from '../core/dom';
import { haOf, muOf } from '../core/format';
import { t } from '../core/i18n';
import type { Answer, Asked } from './answer';
import type { Context } from './context';
import { exportButtons } from './exports';
import { printedOf } from './print';
import { combinationTable, failures, figure, layerTable, notices, titleIn, vintageLine } from './tables';

// report returns the content of the card for an answer.
export function report(c: Context, asked: Asked, answer: Answer): HTMLElement {
  const title = titleIn(c.app.catalog);
  const failed = answer.failed ?? [];
  return printedOf(h('div', { class: 'report', 'data-testid': 'overlay-result' },
    head(asked, answer),
    vintageLine(c.app.catalog, [answer]),
    notices(answer),
    h('h3', null, t('overlay.layers')),
    layerTable(c.app.catalog, answer),
    (answer.combinations?.length ?? 0) > 0 && [h('h3', null, t('overlay.combinations')), combinationTable(answer, title)],
    failed.length > 0 && failures(failed, title),
    c.pieces.section(asked, answer),
    h('p', { class: 'note' }, t('overlay.kinds')),
    h('p', { class: 'note generation', 'data-testid': 'overlay-generation' }, t('overlay.generation', { generation: answer.generation ?? '—' })),
    actions(c, asked, answer),
    exportButtons(c, asked, answer)), 'print.title', [answer]);
}

function head(asked: Asked, { aoi = {} }: Answer): HTMLElement {
  const name = asked.place ? t('overlay.aoi.place', { name: asked.name || asked.place }) : asked.name ? asked.name : t('overlay.aoi');
  return h('div', { class: 'aoi' },
    h('h3', null, name),
    h('p', { class: 'aoi-main' }, figure(aoi.area_mu ?? muOf(aoi.area_m2), 'overlay-aoi-mu'), h('span', null, t('overlay.mu'))),
    h('p', { class: 'aoi-other' },
      figure(aoi.area_ha ?? haOf(aoi.area_m2), 'overlay-aoi-ha'), ' ', t('overlay.ha'), h('i', null),
      figure(aoi.area_m2, 'overlay-aoi-m2'), ' ', t('overlay.m2')));
}

// actions change or keep what was measured.
function actions(c: Context, asked: Asked, answer: Answer): Child {
  return h('div', { class: 'report-buttons' },
    h('button', { type: 'button', class: 'strong', 'data-testid': 'overlay-keep', onclick: () => c.keep(asked, answer) }, t('overlay.keep', { name: c.nextName() })),
    c.canReshape(asked) && h('button', { type: 'button', 'data-testid': 'overlay-reshape', 'aria-pressed': String(c.reshaping()), onclick: () => c.reshape(asked) }, t(c.reshaping() ? 'overlay.reshape.end' : 'overlay.reshape')),
    c.reshaping() && h('button', { type: 'button', 'data-testid': 'overlay-unshape', disabled: !c.unshape(), onclick: () => c.unshape()?.() }, t('draw.undo')),
    asked.geometry && h('button', { type: 'button', onclick: () => c.redraw() }, t('overlay.redo')));
}

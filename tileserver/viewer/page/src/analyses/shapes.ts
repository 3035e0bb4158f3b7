// The shapes that a question asks about: taken from the map, or read from files.

import type { Feature, FeatureCollection, Geometry } from 'geojson';
import type { App } from '../app';
import { Problem } from '../core/api';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import { faultBox, namesOf, readChosen } from '../files/choose';
import { inLonLat } from '../files/prj';
import type { Question } from '../files/read';
import { shapeOf } from '../map/map';
import { toast } from '../shell/messages';

// Given is what one file or the map gave: features, or the bytes of a TXT. crs is the
// system that a .prj names, stated the member of a GeoJSON that names its own.
export interface Given { name: string; features: Feature[]; text?: Uint8Array | undefined; crs: string; stated?: unknown }

// Sent is GeoJSON whose features name their alternative (alt) in a system, '' for degrees or
// what the GeoJSON says; or a TXT as it is.
export type Sent = { shapes: FeatureCollection; crs: string } | Uint8Array;

export interface Shapes {
  // render is the part of the form; changed runs when it has to be made anew.
  render(changed: () => void): HTMLElement;
  // value is what is sent. It throws a Problem when there is nothing to send.
  value(): Sent;
}

// createShapes holds what was given.
export function createShapes(app: App): Shapes {
  const given: Given[] = [];
  let fault: { name: string; thrown: unknown } | null = null;
  const add = (one: Given, changed: () => void) => { given.push(one); fault = null; changed(); };
  const take = (changed: () => void) => {
    const geometry = shapeOf('aoi');
    if (!geometry) { toast(t('analyses.shapes.nothing')); return; }
    add({ name: t('analyses.shapes.alternative', { n: given.length + 1 }), features: [{ type: 'Feature', properties: {}, geometry }], crs: '' }, changed);
  };
  const read = async (files: File[], changed: () => void) => {
    if (!files.length) return;
    try {
      add(givenOf(await readChosen(files, app.catalog.limits)), changed);
    } catch (thrown) {
      fault = { name: namesOf(files), thrown };
      changed();
    }
  };
  const input = (changed: () => void): HTMLInputElement => {
    const box = h('input', {
      type: 'file', accept: '.geojson,.json,.zip,.txt,.shp,.dbf,.prj,.cpg', multiple: true, class: 'hidden', 'data-testid': 'analyses-shapes-file',
      onchange: () => { const files = [...box.files ?? []]; box.value = ''; void read(files, changed); },
    });
    return box;
  };
  const draws = app.may('overlay');
  return {
    // What is dropped here is not measured, too: the page sees that it was taken.
    render: (changed) => h('fieldset', {
      class: 'analyses-shapes', 'data-testid': 'analyses-shapes', ondragover: (e: DragEvent) => e.preventDefault(),
      ondrop: (e: DragEvent) => { e.preventDefault(); void read([...e.dataTransfer?.files ?? []], changed); },
    }, h('legend', null, t('analyses.shapes')),
    given.length ? h('ul', null, given.map((one, i) => row(one, () => { given.splice(i, 1); changed(); }))) : h('p', { class: 'note' }, t(draws ? 'analyses.shapes.none' : 'analyses.shapes.none.file')),
    fault && faultBox(fault.name, fault.thrown),
    h('div', { class: 'analyses-buttons' },
      draws && h('button', { type: 'button', 'data-testid': 'analyses-shapes-take', onclick: () => take(changed) }, t('analyses.shapes.take')),
      h('label', { class: 'analyses-file' }, input(changed), t('analyses.shapes.file')))),
    value: () => valueOf(given),
  };
}

function row(one: Given, remove: () => void): HTMLElement {
  const name = h('input', { type: 'text', value: one.name, maxLength: 60, 'aria-label': t('analyses.shapes.name'), disabled: one.text !== undefined, oninput: () => { one.name = name.value; } });
  return h('li', null, name, one.features.length > 1 && h('small', null, t('analyses.shapes.file.of', { file: '', n: one.features.length })), h('button', { type: 'button', onclick: remove }, t('analyses.shapes.remove')));
}

// givenOf is what was read of a file, called as that is.
export function givenOf({ title, geometry, crs, text }: Question): Given {
  const name = title.replace(/\.[^.]*$/, '');
  if (text) return { name, features: [], text, crs: '' };
  const value = geometry as (Feature | FeatureCollection | Geometry) & { crs?: unknown };
  const features = value.type === 'FeatureCollection' ? value.features : value.type === 'Feature' ? [value] : [{ type: 'Feature' as const, properties: {}, geometry: value }];
  return { name, features, crs: inLonLat(crs) ? '' : crs, stated: value.crs };
}

// valueOf puts together what is sent; features that name their alternative keep it.
export function valueOf(given: Given[]): Sent {
  const [only] = given;
  if (!only) throw new Problem({ status: 400, detail: t('analyses.shapes.none.sent') });
  if (given.length === 1 && only.text) return only.text;
  if (given.some((one) => one.text)) throw new Problem({ status: 400, detail: t('analyses.shapes.mixed') });
  if (new Set(given.map((one) => JSON.stringify([one.crs, one.stated ?? null]))).size > 1) throw new Problem({ status: 400, detail: t('analyses.shapes.crs') });
  return {
    crs: only.crs,
    shapes: { type: 'FeatureCollection', ...(only.stated ? { crs: only.stated } : {}), features: given.flatMap((one) => one.features.map((f) => ({ ...f, properties: { alt: one.name, ...f.properties } }))) },
  };
}

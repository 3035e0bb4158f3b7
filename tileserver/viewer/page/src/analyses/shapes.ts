// The shapes that a question asks about: taken from the map, or read from files.

import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { Problem } from '../core/api';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import { shapeOf } from '../map/map';
import { problemBox, toast } from '../shell/messages';

// Given is what one file or the map gave; crs is the member of a GeoJSON that names its coordinate system.
interface Given { name: string; features: Feature[]; txt?: string; crs?: unknown }

export interface Shapes {
  // render is the part of the form; changed runs when it has to be made anew.
  render(changed: () => void): HTMLElement;
  // value is what is sent: GeoJSON whose features name their alternative (alt), or a TXT as
  // it is. It throws a Problem when there is nothing to send.
  value(): FeatureCollection | string;
}

// createShapes holds what was given.
export function createShapes(): Shapes {
  const given: Given[] = [];
  let problem: Problem | null = null;
  const add = (one: Given, changed: () => void) => { given.push(one); problem = null; changed(); };
  const take = (changed: () => void) => {
    const geometry = shapeOf('aoi');
    if (!geometry) { toast(t('analyses.shapes.nothing')); return; }
    add({ name: t('analyses.shapes.alternative', { n: given.length + 1 }), features: [{ type: 'Feature', properties: {}, geometry }] }, changed);
  };
  const read = async (files: Iterable<File>, changed: () => void) => {
    for (const file of files) {
      const one = parse(file.name, await file.text());
      if (one) add(one, changed);
      else { problem = new Problem({ status: 400, detail: t('analyses.shapes.bad', { file: file.name }) }); changed(); }
    }
  };
  const input = (changed: () => void) => h('input', {
    type: 'file', accept: '.geojson,.json,.txt', multiple: true, class: 'hidden', 'data-testid': 'analyses-shapes-file',
    onchange: (e: Event) => void read((e.currentTarget as HTMLInputElement).files ?? [], changed),
  });
  return {
    render: (changed) => h('fieldset', {
      class: 'analyses-shapes', 'data-testid': 'analyses-shapes', ondragover: (e: DragEvent) => e.preventDefault(),
      ondrop: (e: DragEvent) => { e.preventDefault(); void read(e.dataTransfer?.files ?? [], changed); },
    }, h('legend', null, t('analyses.shapes')),
    given.length ? h('ul', null, given.map((one, i) => row(one, () => { given.splice(i, 1); changed(); }))) : h('p', { class: 'note' }, t('analyses.shapes.none')),
    problem && problemBox(problem),
    h('div', { class: 'analyses-buttons' },
      h('button', { type: 'button', 'data-testid': 'analyses-shapes-take', onclick: () => take(changed) }, t('analyses.shapes.take')),
      h('label', { class: 'analyses-file' }, input(changed), t('analyses.shapes.file')))),
    value: () => valueOf(given),
  };
}

function row(one: Given, remove: () => void): HTMLElement {
  const name = h('input', { type: 'text', value: one.name, maxLength: 60, 'aria-label': t('analyses.shapes.name'), disabled: one.txt !== undefined, oninput: () => { one.name = name.value; } });
  return h('li', null, name, one.features.length > 1 && h('small', null, t('analyses.shapes.file.of', { file: '', n: one.features.length })), h('button', { type: 'button', onclick: remove }, t('analyses.shapes.remove')));
}

// parse reads a file: GeoJSON of any kind, or the surveyor's TXT, which the server reads;
// null for neither.
export function parse(file: string, text: string): Given | null {
  const name = file.replace(/\.[^.]*$/, '');
  if (/\.txt$/i.test(file) && text.includes(',')) return { name, features: [], txt: text };
  try {
    const read = JSON.parse(text.replace(/^\uFEFF/, '')) as (Feature | FeatureCollection | Geometry) & { crs?: unknown };
    const { crs } = read;
    if (read.type === 'FeatureCollection') return { name, features: read.features, crs };
    if (read.type === 'Feature') return { name, features: [read], crs };
    return 'coordinates' in read ? { name, features: [{ type: 'Feature', properties: {}, geometry: read }], crs } : null;
  } catch {
    return null;
  }
}

// valueOf puts together what is sent; features that name their alternative keep it.
export function valueOf(given: Given[]): FeatureCollection | string {
  const [only] = given;
  if (!only) throw new Problem({ status: 400, detail: t('analyses.shapes.none') });
  if (given.length === 1 && only.txt !== undefined) return only.txt;
  if (given.some((one) => one.txt !== undefined)) throw new Problem({ status: 400, detail: t('analyses.shapes.mixed') });
  if (new Set(given.map((one) => JSON.stringify(one.crs ?? null))).size > 1) throw new Problem({ status: 400, detail: t('analyses.shapes.crs') });
  return { type: 'FeatureCollection', ...(only.crs ? { crs: only.crs } : {}), features: given.flatMap((one) => one.features.map((f) => ({ ...f, properties: { alt: one.name, ...f.properties } }))) };
}

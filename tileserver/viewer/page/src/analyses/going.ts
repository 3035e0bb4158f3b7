// From a row of an answer to the map: to its own shape, to a feature that it names, or to
// its place, in this order.

import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { asProblem } from '../core/api';
import { layerOf } from '../core/catalog';
import { extentOf, type Extent } from '../core/geometry';
import { t } from '../core/i18n';
import { json, layerNamed, type Answer, type Job, type Row, type Table } from '../jobs/answers';
import { codesOf, placeOf } from '../jobs/rows';
import { fit, looking, setShape } from '../map/map';
import { toast, toastProblem } from '../shell/messages';
import type { Desk } from './desk';

export interface Going {
  // can tells whether a row says where it is.
  can(table: Table, row: Row): boolean;
  // go shows where a row (from 0) is, and marks it; the page says where nothing is found.
  go(table: Table, row: number): Promise<void>;
}

interface Found { geometry: Geometry | null; extent: Extent }

// createGoing goes from the rows of one answer.
export function createGoing(desk: Desk, job: Job, answer: Answer): Going {
  return {
    // All of it is asked of features.
    can: (table, row) => desk.app.may('features') && (layerNamed(job, answer, table.name) !== '' || placeOf(row) !== '' || codesOf(row).length > 0),
    async go(table, index) {
      const row = table.rows[index];
      if (!row) return;
      const wanted = looking('selected');
      try {
        const found = await shape(layerNamed(job, answer, table.name), index) ?? await feature(desk, answer, codesOf(row)) ?? await place(desk, placeOf(row));
        if (!wanted()) return; // another row was chosen meanwhile, or something else
        if (!found) { toast(t('analyses.go.none')); return; }
        setShape(desk.app.map, 'selected', found.geometry);
        fit(desk.app.map, found.extent);
      } catch (thrown) {
        if (wanted()) toastProblem(asProblem(thrown));
      }
    },
  };
}

// shape is the shape of a row: a layer's feature is called by the row's number, from 1. A
// row may have none.
async function shape(layer: string, index: number): Promise<Found | null> {
  if (!layer) return null;
  try {
    return foundAt((await json<Feature<Geometry | null>>(`features/${encodeURIComponent(layer)}/${index + 1}`)).geometry);
  } catch (thrown) {
    if (asProblem(thrown).status === 404) return null;
    throw thrown;
  }
}

// feature is the first of the features of some codes that a layer of the answer has, in
// the state that it was asked about.
async function feature(desk: Desk, answer: Answer, codes: string[]): Promise<Found | null> {
  for (const code of codes) {
    for (const { layer, vintage, missing } of answer.layers) {
      const found = missing ? null : await byField(desk, layer, 'BSM', code, vintage);
      if (found) return found;
    }
  }
  return null;
}

// byField is the first feature of a layer that has a value in a field; null where there is
// none, or no such field.
async function byField(desk: Desk, layer: string, field: string, value: string, vintage = ''): Promise<Found | null> {
  if (!layerOf(desk.app.catalog, layer).fields.has(field)) return null;
  const query = new URLSearchParams({ [field]: value, limit: '1', ...(vintage ? { vintage } : {}) });
  const { features } = await json<FeatureCollection<Geometry | null>>(`ogc/collections/${encodeURIComponent(layer)}/items?${query.toString()}`);
  return foundAt(features[0]?.geometry);
}

const foundAt = (geometry: Geometry | null | undefined): Found | null => (geometry ? { geometry, extent: extentOf(geometry) } : null);

// place is the place of a code, with its outline where the edition has it.
async function place(desk: Desk, code: string): Promise<Found | null> {
  if (!code) return null;
  const { places } = await json<{ places: { code: string; extent: Extent }[] }>(`places?q=${encodeURIComponent(code)}`);
  const found = places.find((p) => p.code === code);
  return found ? { geometry: (await byField(desk, 'region', 'XZQDM', code))?.geometry ?? null, extent: found.extent } : null;
}

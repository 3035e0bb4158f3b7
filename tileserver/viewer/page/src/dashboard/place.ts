// Going to a place: the map shows it and marks it.

import type { Geometry, MultiPolygon, Polygon, Position } from 'geojson';
import type { App } from '../app';
import { asProblem, dated, tierURL } from '../core/api';
import type { Extent } from '../core/geometry';
import { union } from '../core/geometry';
import { t } from '../core/i18n';
import { json } from '../jobs/answers';
import { fit, looking, setShape } from '../map/map';
import { toast, toastProblem } from '../shell/messages';

interface Found { code: string; name: string; extent: Extent }

// pathOf is a path with the page's vintage.
const pathOf = (path: string): string => dated(tierURL(path)).slice(tierURL('').length);

// mostParts is how many places a mark is made of at most; beyond it is their box.
const mostParts = 100;

// goTo shows a place on the map and marks it: its own outline, those of the places inside of
// it where the edition has none of its own, or the box around them, which the page says.
// It says so, too, where nothing is known of the place; it never throws. Nothing is done once
// the user has gone somewhere else.
export async function goTo(app: App, code: string): Promise<void> {
  const wanted = looking('selected');
  try {
    const { places } = await json<{ places: Found[] }>(pathOf(`places?q=${encodeURIComponent(code)}`));
    const own = places.filter((p) => p.code === code);
    const inside = own.length ? own : places.filter((p) => p.code.startsWith(code));
    const extent = union(inside.map((p) => p.extent));
    if (!wanted()) return;
    if (!extent) { toast(t('dash.go.none', { place: code })); return; }
    const outline = await outlineOf(app, code, own.length > 0);
    if (!wanted()) return;
    if (!outline) toast(t('dash.go.box'));
    setShape(app.map, 'selected', outline ?? boxOf(extent));
    fit(app.map, extent);
  } catch (thrown) {
    if (wanted()) toastProblem(asProblem(thrown));
  }
}

// outlineOf reads the outline of a place, or of all places inside of it; null where the
// edition gives none, or too many.
async function outlineOf(app: App, code: string, own: boolean): Promise<Geometry | null> {
  if (!app.catalog.layers.some((l) => l.name === 'region')) return null;
  const filter = own ? `XZQDM = '${code}'` : `XZQDM LIKE '${code}%'`;
  try {
    const answer = await json<{ numberMatched?: number; features: { geometry: Polygon | MultiPolygon | null }[] }>(pathOf(`ogc/collections/region/items?limit=${mostParts}&filter=${encodeURIComponent(filter)}`));
    const parts = answer.features.flatMap((f) => (f.geometry ? [f.geometry] : []));
    if (!parts.length || (answer.numberMatched ?? parts.length) > parts.length) return null;
    return { type: 'MultiPolygon', coordinates: parts.flatMap((g) => (g.type === 'Polygon' ? [g.coordinates] : g.coordinates)) };
  } catch (thrown) {
    if ([400, 403, 404].includes(asProblem(thrown).status)) return null; // the tier has no such field, or no such question
    throw thrown;
  }
}

function boxOf([w, s, e, n]: Extent): Polygon {
  const ring: Position[] = [[w, s], [e, s], [e, n], [w, n], [w, s]];
  return { type: 'Polygon', coordinates: [ring] };
}

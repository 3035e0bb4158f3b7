// Picking a place on the map: the region that a click lies in, at the level that the user
// chooses.

import type { Position } from 'geojson';
import type { Map as GLMap, MapGeoJSONFeature } from 'maplibre-gl';
import { get } from '../core/api';
import { $, h } from '../core/dom';
import { inRing } from '../core/geometry';
import { pick, t, type Text } from '../core/i18n';
import { may } from '../core/me';
import type { Key } from '../core/words';
import { toast } from '../shell/messages';

// levels are the lengths of codes that are offered, the smallest place first.
const levels = [12, 9, 6, 4, 2];

export interface Place { code: string; name: string }

// codeAt returns the code of the smallest region at a place, '' where there is none that
// the map has. The region layer need not be shown.
function codeAt(map: GLMap, at: Position): string {
  const sources = Object.keys(map.getStyle().sources).filter((s) => map.getSource(s)?.type === 'vector');
  const found = sources.flatMap((s) => map.querySourceFeatures(s, { sourceLayer: 'region' })).filter((f) => holds(f, at));
  const codes = found.map((f) => String(f.properties['XZQDM'] ?? '')).filter((code) => /^\d{2,}$/.test(code));
  return codes.sort((a, b) => b.length - a.length)[0] ?? '';
}

function holds({ geometry }: MapGeoJSONFeature | { geometry: MapGeoJSONFeature['geometry'] }, at: Position): boolean {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  return polygons.some((rings) => rings.filter((ring) => inRing(at, ring)).length % 2 === 1);
}

// pickPlace offers the places that a click lies in; chosen gets the one that is taken. Nothing
// is offered once the signal has ended: then it throws the AbortError of it, or nothing.
export async function pickPlace(map: GLMap, at: Position, signal: AbortSignal, chosen: (place: Place) => void): Promise<void> {
  if (signal.aborted) return;
  const code = codeAt(map, at);
  if (!code) { toast(t('pick.none')); return; }
  const codes = [...new Set([code, ...levels.filter((n) => n < code.length).map((n) => code.slice(0, n))])];
  const names = await Promise.all(codes.map((c) => nameOf(c, signal)));
  if (signal.aborted) return;
  const buttons = codes.map((c, i) => h('button', { type: 'button', 'data-testid': `pick-${c}`, onclick: () => chosen({ code: c, name: names[i] ?? c }) }, names[i] ?? c));
  $('hint-text').replaceChildren(t('pick.which'), ' ', h('span', { class: 'pick-levels', 'data-testid': 'pick-levels' }, buttons));
  if (document.activeElement === map.getCanvas()) buttons[0]?.focus();
}

// nameOf is what a place is called, or its level with its code where the tier has no name, or
// the user may not ask for it.
async function nameOf(code: string, signal: AbortSignal): Promise<string> {
  const level = [2, 4, 6, 9, 12].find((n) => code.length <= n) ?? 12;
  const bare = t(`pick.${level}` as Key, { code });
  if (!may('features')) return bare;
  const answer = await get<{ places?: { code: string; name: Text }[] }>(`places?q=${code}`, signal);
  const place = answer.places?.find((p) => p.code === code);
  return place ? pick(place.name) : bare;
}

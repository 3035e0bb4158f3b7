// Reading a coordinate as people write it: degrees in decimals or with minutes and seconds,
// in either order, or metres of a Gauss-Krüger zone, with its number before the easting or
// without. What is taken is told, so that a wrong guess is seen.

import type { Extent } from '../core/geometry';
import { falseEasting, numberFactor, toDegrees, zoneOf, type LonLat, type Zone } from '../core/zones';
import { plain, takeZone, tokens, ungrouped, type Axis, type Token } from './tokens';

// Reading is one way to understand the text. zone is set for metres; assumed tells that the
// text does not name it; numbered, that its number stands before the easting.
export interface Reading extends LonLat {
  order: 'lon-lat' | 'lat-lon' | 'north-east' | 'east-north';
  zone: Zone | null;
  assumed: boolean;
  northing: number | null; // metres, null for degrees
  easting: number | null; // as it was written
}

// Fault says why a text that looks like a coordinate is none; n is the number meant.
export interface Fault {
  why: 'sixty' | 'part' | 'latitude' | 'longitude' | 'same' | 'china' | 'plane' | 'zone' | 'zone.none' | 'zone.other' | 'zone.open' | 'count';
  n: number;
}

// Found are the readings, the likeliest first, or the fault; never both.
export interface Found { readings: Reading[]; fault: Fault | null }

// china is the box in which a coordinate without marks must lie. Its longitudes and its
// latitudes have nothing in common, which is how the order is told.
const china: Extent = [73, 3, 136, 54];

// The northings of china, metres, and how far an easting is from its meridian at most.
const northings: [number, number] = [330_000, 6_000_000];
const reachM = 400_000;

interface Angle { value: number; axis: Axis | null }

const failed = (why: Fault['why'], n = 0): Found => ({ readings: [], fault: { why, n } });

// parseCoordinate reads text; null where it is no coordinate. near is the ground of the
// edition: the zones of metres without a number are sought there. It never throws.
export function parseCoordinate(text: string, near: Extent | null): Found | null {
  const { zone, rest } = takeZone(plain(text));
  const parts = tokens(ungrouped(rest));
  if (!parts) return null;
  const numbers = parts.filter((p) => p.kind === 'number');
  if (numbers.length < 2) return null;
  if (zone === undefined) return failed('zone.none');
  const big = numbers.filter((p) => Math.abs(p.value) > 1000);
  if (big.length && !parts.some((p) => p.kind === 'unit')) {
    return numbers.length === 2 ? readPlane(numbers.map((p) => p.value) as [number, number], axesOf(parts), zone, near) : failed('count', numbers.length);
  }
  const angles = readAngles(parts);
  if ('why' in angles) return { readings: [], fault: angles };
  const [a, b] = angles;
  if (!b) return null;
  return angles.length === 2 && a && b ? readDegrees(a, b) : failed('count', angles.length);
}

// readAngles puts numbers, units and marks together; a fault where they do not fit.
function readAngles(parts: Token[]): Angle[] | Fault {
  const marked = parts.some((p) => p.kind === 'unit');
  const numbers = parts.filter((p) => p.kind === 'number');
  // Without units, four numbers are two of degrees and minutes, six have seconds, too.
  const each = marked || numbers.length === 2 ? 0 : numbers.length === 4 ? 2 : numbers.length === 6 ? 3 : -1;
  if (each < 0) return { why: 'count', n: numbers.length };
  const groups: { parts: { value: number; whole: boolean }[] }[] = [];
  let next = 0; // which part of the angle a number would be
  parts.forEach((p, i) => {
    if (p.kind === 'mark') { next = 0; return; }
    if (p.kind === 'unit') { next = p.unit === 'next' ? (groups.at(-1)?.parts.length ?? 0) : p.unit + 1; return; }
    if (p.kind !== 'number') return;
    const group = groups.at(-1);
    const goesOn = each ? group !== undefined && group.parts.length < each : continues(parts, i, group?.parts, next);
    if (goesOn) group?.parts.push(p);
    else groups.push({ parts: [p] });
    next = 0;
  });
  const axes = axesOf(parts);
  const angles: Angle[] = [];
  for (const [i, group] of groups.entries()) {
    const value = valueOf(group.parts);
    if (typeof value !== 'number') return value;
    const mark = axes[i];
    angles.push({ value: mark?.sign === -1 ? -value : value, axis: mark?.axis ?? null });
  }
  return angles;
}

// continues tells whether the number at i is the next part of an angle: it stands behind
// degrees or minutes, and no degrees stand behind it.
function continues(parts: Token[], i: number, sofar: { whole: boolean }[] | undefined, next: number): boolean {
  if (!sofar || next === 0 || sofar.length !== next || next > 2) return false;
  if (!sofar.every((p) => p.whole)) return false;
  const after = parts[i + 1];
  const before = parts[i - 1];
  if (before?.kind === 'unit' && before.unit === 'next') return true;
  return !(after?.kind === 'unit' && (after.unit === 0 || after.unit === 'next'));
}

// valueOf is the angle of its parts, degrees, or what is wrong with them.
function valueOf(parts: { value: number; whole: boolean }[]): number | Fault {
  const [d = { value: NaN, whole: true }, m, s] = parts;
  const odd = parts.slice(0, -1).find((p) => !p.whole);
  if (odd || parts.length > 3) return { why: 'part', n: odd?.value ?? parts.length };
  const over = [m, s].find((p) => p && (p.value >= 60 || p.value < 0));
  if (over) return { why: 'sixty', n: over.value };
  const size = Math.abs(d.value) + (m?.value ?? 0) / 60 + (s?.value ?? 0) / 3600;
  return d.value < 0 || Object.is(d.value, -0) ? -size : size;
}

// axesOf returns what each number, or angle, is said to be, by words all before or all
// behind theirs.
function axesOf(parts: Token[]): ({ axis: Axis; sign: 1 | -1 } | undefined)[] {
  const telling = parts.filter((p) => p.kind === 'mark' || p.kind === 'number');
  const before = telling[0]?.kind === 'mark';
  const only = parts.findIndex((p) => p.kind === 'mark');
  const mark = parts[only];
  // 34.33, E108.64: what stands before the second number alone is that one's.
  if (!before && mark?.kind === 'mark' && telling.filter((p) => p.kind === 'mark').length === 1 && parts[only - 1]?.kind === 'gap' && parts[only + 1]?.kind === 'number') return [undefined, mark];
  const out: { axis: Axis; sign: 1 | -1 }[] = [];
  let open: { axis: Axis; sign: 1 | -1 } | null = null;
  let seen = false; // a number since the last mark
  for (const p of telling) {
    if (p.kind === 'mark') {
      if (before && open && !seen && open.axis === p.axis) open = { axis: p.axis, sign: p.sign === -1 ? -1 : open.sign }; // 经度 E
      else if (before) { open = { axis: p.axis, sign: p.sign }; seen = false; continue; }
      else if (seen) out.push({ axis: p.axis, sign: p.sign });
      seen = false;
    } else {
      if (before && open && !seen) out.push(open);
      seen = true;
    }
  }
  return out;
}

const inside = ([minLon, minLat, maxLon, maxLat]: Extent, { lon, lat }: LonLat): boolean => lon >= minLon && lon <= maxLon && lat >= minLat && lat <= maxLat;

function readDegrees(a: Angle, b: Angle): Found {
  const said = a.axis ?? (b.axis === 'lon' ? 'lat' : b.axis === 'lat' ? 'lon' : null);
  if (a.axis && a.axis === b.axis) return failed('same');
  const asLonLat = { lon: a.value, lat: b.value };
  const asLatLon = { lon: b.value, lat: a.value };
  const order = said ? (said === 'lon' ? 'lon-lat' : 'lat-lon') : inside(china, asLonLat) ? 'lon-lat' : inside(china, asLatLon) ? 'lat-lon' : null;
  if (!order) return failed('china');
  const at = order === 'lon-lat' ? asLonLat : asLatLon;
  if (Math.abs(at.lat) > 90) return failed('latitude', at.lat);
  if (Math.abs(at.lon) > 180) return failed('longitude', at.lon);
  return { readings: [{ ...at, order, zone: null, assumed: false, northing: null, easting: null }], fault: null };
}

// split takes the zone's number from before an easting; zone is null where none stands there.
function split(easting: number): { zone: Zone | null; easting: number } {
  const number = Math.floor(easting / numberFactor);
  const zone = zoneOf(3, number) ?? zoneOf(6, number);
  return zone ? { zone, easting: easting - number * numberFactor } : { zone: null, easting };
}

const northingLike = (n: number): boolean => n >= northings[0] && n <= northings[1];
const eastingLike = (n: number): boolean => Math.abs(split(n).easting - falseEasting) <= reachM;

// readPlane reads two numbers of metres. Which is the northing is told by their size; where
// both could be either, by marks, and where there is none both are offered.
function readPlane(pair: [number, number], axes: ({ axis: Axis } | undefined)[], named: Zone | null, near: Extent | null): Found {
  const orders = ([['north-east', pair[0], pair[1]], ['east-north', pair[1], pair[0]]] as const)
    .filter(([, northing, easting]) => northingLike(northing) && eastingLike(easting));
  if (!orders.length) {
    const high = pair.find((n) => n >= 10_000_000 && !split(n).zone);
    return high === undefined ? failed('plane') : failed('zone', Math.floor(high / numberFactor));
  }
  const said = axes[0] && (axes[0].axis === 'lat' ? 'north-east' : 'east-north');
  const kept = orders.length > 1 && said ? orders.filter(([order]) => order === said) : orders;
  const readings: Reading[] = [];
  for (const [order, northing, written] of kept) {
    const { zone, easting } = split(written);
    if (zone && named && zone.number !== named.number) return failed('zone.other', zone.number);
    const zones = zone ? [zone] : named ? [named] : zonesNear(near);
    for (const z of zones) readings.push({ ...toDegrees(z, { northing, easting }), order, zone: z, assumed: !zone && !named, northing, easting: written });
  }
  if (!readings.length) return failed('zone.open');
  const ranked = readings.map((r) => ({ r, there: near !== null && inside(near, r) }));
  return { readings: [...ranked.filter((x) => x.there), ...ranked.filter((x) => !x.there)].map((x) => x.r).slice(0, 6), fault: null };
}

// zonesNear are the zones in which an extent lies, those of 3° first, at most three of each.
function zonesNear(near: Extent | null): Zone[] {
  if (!near) return [];
  const [west, , east] = near;
  const touching = (width: 3 | 6, from: number, to: number) => {
    const out: Zone[] = [];
    for (let k = from; k <= to && out.length < 3; k++) { const z = zoneOf(width, k); if (z) out.push(z); }
    return out;
  };
  return [...touching(3, Math.floor((west + 1.5) / 3), Math.floor((east + 1.5) / 3)), ...touching(6, Math.floor(west / 6) + 1, Math.floor(east / 6) + 1)];
}

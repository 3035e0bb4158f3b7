// The line at the foot: scale bar, and the coordinates under the cursor, in degrees and in
// metres of the zone that it is in. What it says of the edition is in edition/notice.ts.

import type { LngLat, Map as GLMap } from 'maplibre-gl';
import { metres, sexagesimal, zoneName, zoneTitle } from '../core/coordinates';
import { $, h } from '../core/dom';
import { label, onLang, t } from '../core/i18n';
import { flattening, semiMajor, zoneAt, type LonLat } from '../core/zones';
import { narrow } from '../shell/frame';

// eccentricity2 is the first eccentricity of the ellipsoid, squared.
const eccentricity2 = flattening * (2 - flattening);

// scaleMaxPx is the longest the scale bar gets.
const scaleMaxPx = 96;

// Forms is how coordinates are written: degrees as decimals or with minutes and seconds,
// the width of the zone, and which of the two a narrow page shows.
interface Forms { dms: boolean; width: 3 | 6; zoneAlone: boolean }

const storageKey = 'gengtu.coordinates';

// Status tells other rooms what the line shows.
export interface Status {
  // at is the place under the cursor, or the map's middle where there is none.
  at: () => LonLat;
  forms: () => Readonly<Forms>;
}

// createStatus fills the line and keeps it true while the map moves.
export function createStatus(map: GLMap): Status {
  let cursor: LngLat | null = null;
  const forms = readForms();
  const crs = h('span', { class: 'coordinates-crs' });
  const degrees = h('button', { type: 'button', 'data-testid': 'coordinates-degrees', onclick: () => { turn(forms, 'degrees'); keep(); } });
  const zone = h('button', { type: 'button', 'data-testid': 'coordinates-zone', onclick: () => { turn(forms, 'zone'); keep(); } });
  $('coordinates').replaceChildren(crs, degrees, zone);

  const at = (): LonLat => { const { lng, lat } = cursor && !narrow() ? cursor : map.getCenter().wrap(); return { lon: lng, lat }; };
  const coordinates = () => {
    const place = at();
    const within = zoneAt(forms.width, place.lon);
    degrees.textContent = forms.dms ? sexagesimal(place) : `${place.lon.toFixed(6)}° ${place.lat.toFixed(6)}°`;
    zone.textContent = within ? `${zoneName(within)} ${metres(within, place)}` : t('zone.none');
    label(degrees, `${degrees.textContent} · ${t('coordinates.degrees')}`);
    label(zone, `${within ? `${zoneTitle(within)} · ${zone.textContent}` : zone.textContent} · ${t('coordinates.zone')}`);
    crs.textContent = `${t('notice.crs')} · ${t('coordinates.zoom', { z: map.getZoom().toFixed(1) })}`;
    $('coordinates').classList.toggle('zone-alone', forms.zoneAlone);
  };
  const keep = () => { localStorage.setItem(storageKey, JSON.stringify(forms)); coordinates(); };

  map.on('mousemove', (e) => { cursor = e.lngLat.wrap(); coordinates(); });
  map.on('mouseout', () => { cursor = null; coordinates(); });
  map.on('move', () => { drawScale(map); coordinates(); });
  map.on('resize', () => { drawScale(map); coordinates(); });
  onLang(() => { drawScale(map); coordinates(); });
  return { at, forms: () => forms };
}

// turn goes to the next form. Where both stand there, each has its own; a narrow page goes
// through all four by whichever it shows.
function turn(forms: Forms, which: 'degrees' | 'zone'): void {
  if (which === 'degrees') {
    if (narrow() && forms.dms) { forms.zoneAlone = true; forms.width = 3; }
    forms.dms = !forms.dms;
    return;
  }
  if (narrow() && forms.width === 6) forms.zoneAlone = false;
  forms.width = forms.width === 3 ? 6 : 3;
}

// readForms reads what was kept of an earlier visit; anything else is as if there was none.
function readForms(): Forms {
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Forms> | null;
    return { dms: kept?.dms === true, width: kept?.width === 6 ? 6 : 3, zoneAlone: kept?.zoneAlone === true };
  } catch {
    return { dms: false, width: 3, zoneAlone: false };
  }
}

// drawScale draws the bar for the latitude of the map's middle, along the parallel.
function drawScale(map: GLMap): void {
  const perPx = metresPerPixel(map.getCenter().lat, map.getZoom());
  const lengthM = roundLength(perPx * scaleMaxPx);
  const bar = $('scale');
  bar.style.setProperty('width', `${lengthM / perPx}px`);
  bar.dataset.metres = String(lengthM);
  const long = lengthM >= 1000;
  bar.textContent = t(long ? 'scale.km' : 'scale.m', { n: (long ? lengthM / 1000 : lengthM).toLocaleString('en-US', { maximumFractionDigits: 2 }) });
}

// metresPerPixel is the length on the ellipsoid of a CSS pixel along the parallel of a
// latitude, degrees; a zoom of 0 shows the equator in 512 pixels.
function metresPerPixel(lat: number, zoom: number): number {
  const phi = (lat * Math.PI) / 180;
  const parallel = (2 * Math.PI * semiMajor * Math.cos(phi)) / Math.sqrt(1 - eccentricity2 * Math.sin(phi) ** 2);
  return parallel / (512 * 2 ** zoom);
}

// roundLength returns the greatest 1, 2 or 5 × 10^n that is not above lengthM.
export function roundLength(lengthM: number): number {
  const power = 10 ** Math.floor(Math.log10(lengthM));
  const lead = lengthM / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

// The line at the foot: scale bar, and the coordinates under the cursor. What it says of
// the edition is in edition/notice.ts.

import type { LngLat, Map as GLMap } from 'maplibre-gl';
import { $ } from '../core/dom';
import { degrees } from '../core/format';
import { onLang, t } from '../core/i18n';

// earthM is the radius of the sphere of Web Mercator, in metres.
const earthM = 6378137;

// scaleMaxPx is the longest the scale bar gets.
const scaleMaxPx = 96;

// createStatus fills the line and keeps it true while the map moves.
export function createStatus(map: GLMap): void {
  let cursor: LngLat | null = null;

  const coordinates = () => {
    const at = cursor ?? map.getCenter().wrap();
    $('coordinates').textContent = `${degrees(at.lng)} ${degrees(at.lat)}`;
    $('coordinates').dataset.crs = `${t('notice.crs')} · ${t('coordinates.zoom', { z: map.getZoom().toFixed(1) })}`;
  };
  const scale = () => {
    // A pixel of 512-pixel tiles, at the latitude of the map's middle.
    const mPerPx = (2 * Math.PI * earthM * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
    const lengthM = roundLength(mPerPx * scaleMaxPx);
    $('scale').style.setProperty('width', `${lengthM / mPerPx}px`);
    $('scale').textContent = t('scale.m', { n: lengthM.toLocaleString('en-US', { maximumFractionDigits: 2 }) });
  };

  map.on('mousemove', (e) => { cursor = e.lngLat.wrap(); coordinates(); });
  map.on('mouseout', () => { cursor = null; coordinates(); });
  map.on('move', () => { scale(); coordinates(); });
  onLang(() => { coordinates(); scale(); $('coordinates').title = t('coordinates.title'); });
}

// roundLength returns the greatest 1, 2 or 5 × 10^n that is not above lengthM.
export function roundLength(lengthM: number): number {
  const power = 10 ** Math.floor(Math.log10(lengthM));
  const lead = lengthM / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

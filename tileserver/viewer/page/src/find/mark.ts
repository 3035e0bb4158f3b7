// The mark: one place on the map that was searched for or pointed out, kept in the page's
// address as at=longitude,latitude, so that it can be shown to others.

import { Marker, type Map as GLMap } from 'maplibre-gl';
import { decimal } from '../core/coordinates';
import { h, svg } from '../core/dom';
import { label, onLang, t } from '../core/i18n';
import { linkPart, writeLink } from '../core/link';
import type { LonLat } from '../core/zones';

export interface Mark {
  // put marks a place, in place of the one before; null takes the mark away.
  put(at: LonLat | null): void;
}

// createMark makes the mark of a map, and shows the one of the address.
export function createMark(map: GLMap): Mark {
  let at: LonLat | null = null;
  let marker: Marker | null = null;
  const text = h('span', { 'data-testid': 'mark-text' });
  const clear = h('button', { type: 'button', class: 'mark-clear', 'data-testid': 'mark-clear', onclick: () => put(null) }, '×');
  const pin = svg('svg', { class: 'mark-pin', viewBox: '0 0 24 30', 'aria-hidden': 'true' },
    svg('path', { d: 'M12 29C7 21 3 16.5 3 11a9 9 0 0 1 18 0c0 5.500-4 10-9 18z' }), svg('circle', { cx: 12, cy: 11, r: 3.4 }));
  const element = h('div', { class: 'mark', 'data-testid': 'mark' }, pin, h('div', { class: 'mark-label' }, text, clear));

  const show = (next: LonLat | null) => {
    at = next;
    marker?.remove();
    marker = next && new Marker({ element, anchor: 'bottom' }).setLngLat([next.lon, next.lat]).addTo(map);
    if (next) text.textContent = decimal(next);
    named();
  };
  const put = (next: LonLat | null) => { show(next); writeLink(); };
  const named = () => {
    label(clear, t('mark.clear'));
    if (at) element.setAttribute('aria-label', t('mark.label', { at: decimal(at) }));
  };

  for (const event of ['click', 'pointerdown', 'mousedown', 'touchstart', 'dblclick']) clear.addEventListener(event, (e) => e.stopPropagation());
  onLang(named);
  linkPart({ key: 'at', write: () => at && `${at.lon.toFixed(7)},${at.lat.toFixed(7)}`, read: (said) => show(readMark(said)) });
  return { put };
}

// readMark reads longitude,latitude; null where it is no place.
function readMark(text: string | null): LonLat | null {
  const parts = (text ?? '').split(',');
  const [lon, lat] = parts.map(Number);
  if (parts.length !== 2 || parts.some((p) => !p.trim()) || lon === undefined || lat === undefined) return null;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? { lon, lat } : null;
}

// The part of the address after #, which restores what the page shows: parts joined by &,
// each written and read by the room that it belongs to. The map's own are
// map=zoom/lat/lon (latitude first, as in the addresses of other web maps; everywhere else
// longitude is first) and layers=name[:percent],… (the layers that are switched on).

import { takeToken } from './api'; // which takes the token out of the address before it is read here

export interface Part {
  key: string;
  // write returns the part's text, encoded where it may hold anything, or null when it is as without it.
  write: () => string | null;
  // read shows what the address says, null where it says nothing of it.
  read: (text: string | null) => void;
}

const parts: Part[] = [];
let taken = new URLSearchParams(location.hash.slice(1));

// linkPart adds a part and reads it from the address of the page. Parts are written in
// the order in which they were added.
export function linkPart(part: Part): void {
  parts.push(part);
  part.read(taken.get(part.key));
}

// encoded is the text of a part as it stands in the address; commas stay to be read.
export const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%2C', ',');

// linked returns what the page's address said of a key when it was opened.
export const linked = (key: string): string | null => taken.get(key);

// writeLink puts all parts into the address, without a new entry in the browser's
// history. Parts of the first address whose room is not open yet are kept.
export function writeLink(): void {
  const own = new Map(parts.map((p) => [p.key, p.write()]));
  const rest = [...taken].filter(([key]) => !own.has(key));
  const text = [...[...own].flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`])), ...rest.map(([key, value]) => `${key}=${encodeURIComponent(value)}`)];
  history.replaceState(null, '', `${location.pathname}${location.search}#${text.join('&')}`);
}

window.addEventListener('hashchange', () => {
  // A link with a token that is opened in this tab differs behind the # alone: what is of
  // another user, or of none, goes with the page.
  if (takeToken() !== null) { location.reload(); return; }
  taken = new URLSearchParams(location.hash.slice(1));
  for (const part of parts) part.read(taken.get(part.key));
  writeLink();
});

export interface View { zoom: number; lon: number; lat: number }

// readView reads zoom/lat/lon; null where it cannot be read.
export function readView(text: string | null): View | null {
  const [zoom, lat, lon] = (text ?? '').split('/').map((s) => Number.parseFloat(s));
  if (zoom === undefined || lat === undefined || lon === undefined || ![zoom, lat, lon].every(Number.isFinite)) return null;
  if (zoom < 0 || zoom > 24 || Math.abs(lat) > 85 || Math.abs(lon) > 180) return null;
  return { zoom, lon, lat };
}

// writeView writes zoom/lat/lon, as fine as the zoom shows.
export function writeView({ zoom, lon, lat }: View): string {
  const digits = Math.max(3, Math.ceil(zoom / 3));
  return `${zoom.toFixed(2)}/${lat.toFixed(digits)}/${lon.toFixed(digits)}`;
}

// readLayers reads name[:percent],… as name → opacity; null where nothing is said.
export function readLayers(text: string | null): Map<string, number> | null {
  if (text === null) return null;
  return new Map(text.split(',').flatMap((item) => {
    const [name = '', percent] = item.split(':');
    const opacity = percent === undefined ? 1 : Number.parseFloat(percent) / 100;
    return name ? [[name, opacity >= 0 && opacity <= 1 ? opacity : 1]] : [];
  }));
}

// writeLayers writes name → opacity.
export const writeLayers = (on: Map<string, number>): string => [...on]
  .map(([name, opacity]) => (opacity < 1 ? `${encodeURIComponent(name)}:${Math.round(opacity * 100)}` : encodeURIComponent(name))).join(',');

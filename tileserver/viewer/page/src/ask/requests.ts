// What is asked of POST /{tier}/overlay.

import type { Catalog } from '../core/catalog';
import { measured } from '../core/catalog';
import { dated, open, postText, reached, tierURL } from '../core/api';
import type { Asked } from './answer';

// Extra is what is asked beside the figures.
export interface Extra { pieces?: boolean; layers?: string[]; combinations?: boolean; outline?: boolean }

// Sent is what is asked about: GeoJSON in a system (crs, '' for degrees or what the GeoJSON
// says itself), a place, or the text of a surveyor's TXT.
export interface Sent { geometry?: object | null; place?: string; crs?: string; text?: Uint8Array }

// plural tells whether the tier answers with more than totals: combinations and single features.
const plural = (catalog: Catalog): boolean => !catalog.totalsOnly;

// grouped are the fields to add up by, of those layers that are asked about.
function grouped(catalog: Catalog, layers: string[]): Record<string, string[]> | null {
  const cropland = catalog.layers.find((l) => l.name === 'cropland');
  return layers.includes('cropland') && cropland?.fields.has('DLBM') ? { cropland: ['DLBM'] } : null;
}

// body is the request of the contract as JSON.
export function body(catalog: Catalog, sent: Sent, extra: Extra = {}): Record<string, unknown> {
  const layers = extra.layers ?? measured(catalog);
  const request: Record<string, unknown> = sent.geometry ? { geometry: sent.geometry } : { place: sent.place };
  Object.assign(request, { layers, combinations: (extra.combinations ?? true) && plural(catalog) });
  const by = grouped(catalog, layers);
  if (by) request.group_by = by;
  if (sent.crs) request.crs = sent.crs;
  if (extra.pieces) request.return = 'features';
  if (extra.outline) request.outline = true;
  return request;
}

// query says the same in the address, beside a text that cannot.
function query(catalog: Catalog, extra: Extra): URLSearchParams {
  const layers = extra.layers ?? measured(catalog);
  const out = new URLSearchParams({ layers: layers.join(','), combinations: String((extra.combinations ?? true) && plural(catalog)) });
  if (grouped(catalog, layers)) out.set('group_by', 'DLBM');
  if (extra.pieces) out.set('return', 'features');
  if (extra.outline) out.set('outline', 'true');
  return out;
}

// parts are a request's address below the tier, its body and type.
function parts(catalog: Catalog, sent: Sent, extra: Extra, beside: Record<string, string>): { path: string; body: BodyInit; type: string } {
  const search = sent.text ? query(catalog, extra) : new URLSearchParams();
  for (const [name, value] of Object.entries(beside)) search.set(name, value);
  if (sent.text && sent.crs) search.set('crs', sent.crs);
  const path = search.size ? `overlay?${search.toString()}` : 'overlay';
  return sent.text ? { path, body: sent.text as BufferSource, type: 'text/plain' } : { path, body: JSON.stringify(body(catalog, sent, extra)), type: 'application/json' };
}

// measure asks, and returns the answer or, of a collection, the answers. It throws a Problem.
export function measure<T>(catalog: Catalog, sent: Sent, extra: Extra = {}, signal?: AbortSignal): Promise<T> {
  const p = parts(catalog, sent, extra, {});
  return postText<T>(p.path, p.body, p.type, signal);
}

// fetchForm asks for the answer in another form (f=), or signed (receipt=1), as it comes.
// It throws a Problem.
export async function fetchForm(catalog: Catalog, sent: Sent, beside: Record<string, string>, extra: Extra = {}): Promise<Blob> {
  const p = parts(catalog, sent, extra, beside);
  return reached((await open(dated(tierURL(p.path)), { method: 'POST', body: p.body, headers: { 'Content-Type': p.type } })).blob());
}

// sentOf asks again about what was asked.
export const sentOf = (asked: Asked): Sent => (asked.geometry ? { geometry: asked.geometry } : { place: asked.place ?? '' });

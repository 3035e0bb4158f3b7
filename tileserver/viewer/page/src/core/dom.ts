// Building elements. No markup is ever parsed from strings, so nothing that the
// server or a user names can become part of the page's code.

import type { Entry } from './catalog';

export type Child = Node | string | number | null | undefined | false | Child[];

// Props are set as properties where the element has one and as attributes otherwise;
// on… props are listeners; style is by property; null, undefined and false are left out.
export type Props = Record<string, unknown> | null;

// h makes an element.
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props, ...children: Child[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value as EventListener);
    else if (key === 'class') el.className = value as string;
    else if (key === 'style') styled(el, value as Record<string, string>);
    else if (key in el && !key.includes('-')) (el as unknown as Record<string, unknown>)[key] = value;
    else el.setAttribute(key, value === true ? '' : String(value));
  }
  el.append(...flat(children));
  return el;
}

// svg makes an element of a drawing; all props are attributes, but for on… and style.
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, props?: Props, ...children: Child[]): SVGElementTagNameMap[K] {
  const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value as EventListener);
    else if (key === 'style') styled(el, value as Record<string, string>);
    else el.setAttribute(key, String(value));
  }
  el.append(...flat(children));
  return el;
}

// styled sets properties by the object model, which a strict policy allows.
function styled(el: HTMLElement | SVGElement, style: Record<string, string>): void {
  for (const [name, value] of Object.entries(style)) el.style.setProperty(name, value);
}

function flat(children: Child[]): (Node | string)[] {
  return children.flatMap((c) => (Array.isArray(c) ? flat(c) : c == null || c === false ? [] : [typeof c === 'number' ? String(c) : c]));
}

// icon is a line drawing of 24 × 24, by its paths.
export const icon = (paths: string): SVGSVGElement => svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: paths }));

// $ returns the element of index.html with this id, as the kind that it is there.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows the page
export function $<T extends HTMLElement = HTMLElement>(id: string): T {
  const el = document.getElementById(id);
  if (!el) throw new Error(`index.html has no #${id}`);
  return el as T;
}

// scroller is a table that scrolls by itself where it is wider than its place, by keyboard, too.
export const scroller = (name: string, table: HTMLTableElement): HTMLElement => h('div', { class: 'scroller', tabIndex: 0, role: 'region', 'aria-label': name }, table);

// stripes are the angles of a swatch's lines, in degrees, by how a hatch runs.
const stripes: Record<string, number[]> = { rising: [135], falling: [45], crossed: [135, 45], level: [0], upright: [90] };

// swatch is a small square in the colours of a legend entry: fill under its
// opacity, hatching, outline (dashed or not).
export function swatch(entry?: Entry | null): HTMLElement {
  const box = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (!entry) return box;
  box.style.backgroundColor = `color-mix(in srgb, ${entry.fill || 'transparent'} ${Math.round(100 * (entry.fill_opacity ?? 1))}%, transparent)`;
  const { hatch } = entry;
  if (hatch) box.style.backgroundImage = (stripes[entry.hatch_lines ?? ''] ?? [135]).map((angle) => `repeating-linear-gradient(${angle}deg, ${hatch} 0 1.2px, transparent 1.2px 4px)`).join();
  box.style.borderColor = entry.line || entry.fill || 'currentcolor';
  if (entry.dashed) box.style.borderStyle = 'dashed';
  return box;
}

// save hands the user a file.
export function save(content: BlobPart, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// stamp is the time as it stands in the names of saved files: 2024-09-30-08-15-00.
export const stamp = (): string => new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');

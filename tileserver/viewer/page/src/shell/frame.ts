// The frame that all rooms share: whether the page is laid out for a phone, the card of
// layers, and how much of the map lies under cards.

import { $ } from '../core/dom';

// narrow tells whether the page is laid out for a phone; as in the style sheets.
export const narrow = (): boolean => window.innerWidth < 720;

export const layersOpen = (): boolean => !$('layers').hidden;

// showLayers opens or shuts the card of layers; on a narrow screen it takes the
// place of the results.
export function showLayers(open: boolean): void {
  $('layers').hidden = !open;
  $('layers-open').setAttribute('aria-expanded', String(open));
}

// leastPx is how much of the map's width is left between cards.
const leastPx = 160;

// margins are the pixels at each side of the map that cards cover.
export function margins(): { top: number; right: number; bottom: number; left: number } {
  const shown = (id: string) => !$(id).hidden;
  if (narrow()) return { top: 24, right: 60, left: 24, bottom: shown('side') || shown('layers') ? Math.round(window.innerHeight * 0.5) : 24 };
  const left = shown('layers') ? 376 : 88;
  // As much as the card covers, but for what must be left to see.
  const right = shown('side') ? Math.min($('side').offsetWidth + 32, window.innerWidth - left - leastPx) : 40;
  return { top: 32, bottom: 32, left, right: Math.max(40, right) };
}

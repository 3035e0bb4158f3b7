// The frame that all rooms share: whether the page is laid out for a phone, the card of
// layers, and how much of the map lies under cards. The room shell is what rooms show
// themselves in: tools, cards, panels, messages. It never asks the server, and knows no map.

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

// leastPx is how much of the map is left between cards, in width and in height.
const leastPx = 160;
const leastHighPx = 60;

// gapPx parts what is fitted into the map from what lies over it.
const gapPx = 24;

// margins are the pixels at each side of the map that cards, tools and the slider of
// vintages cover.
export function margins(): { top: number; right: number; bottom: number; left: number } {
  const shown = (id: string) => !$(id).hidden;
  const stage = $('map').getBoundingClientRect();
  const slider = $('vintage').getBoundingClientRect(); // of no height where it is not to be seen
  const foot = slider.height ? stage.bottom - slider.top + gapPx : 0;
  const bottom = (least: number) => Math.round(Math.max(gapPx, Math.min(Math.max(foot, least), stage.height - gapPx - leastHighPx)));
  if (narrow()) {
    const tools = $('tools').firstElementChild?.clientWidth ?? 0;
    return { top: gapPx, right: tools + 12, left: gapPx, bottom: bottom(shown('side') || shown('layers') ? window.innerHeight / 2 : 0) };
  }
  const beside = $(shown('layers') ? 'layers' : 'tools');
  const left = beside.offsetLeft + beside.offsetWidth + gapPx;
  // As much as the card covers, but for what must be left to see.
  const right = shown('side') ? Math.min($('side').offsetWidth + 32, window.innerWidth - left - leastPx) : 40;
  return { top: 32, bottom: bottom(32), left, right: Math.max(40, right) };
}

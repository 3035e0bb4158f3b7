// The card of results at the side: one tab for the area report, one for the
// clicked feature. On a narrow screen it is a sheet at the foot.

import { $, h } from './dom.js';
import { narrow } from './map.js';

const names = ['overlay', 'feature'];
const closers = {};

// openSide shows tab name with content; closed runs when the user shuts it.
export function openSide(name, content, closed) {
  if (closed) closers[name] = closed;
  $(name).replaceChildren(content);
  $(name).scrollTop = 0;
  $(`tab-${name}`).hidden = false;
  $('side').hidden = false;
  if (narrow()) showLayers(false);
  select(name);
}

// showLayers opens or shuts the card of layers; on a narrow screen it takes the
// place of the results.
export function showLayers(open) {
  $('layers').hidden = !open;
  $('layers-open').setAttribute('aria-expanded', String(open));
}

// fillSide replaces the content of a tab without bringing it to the front.
export function fillSide(name, content) {
  if (!$(`tab-${name}`).hidden) $(name).replaceChildren(content);
}

// closeSide takes a tab away, and the card with the last one.
export function closeSide(name) {
  if ($(`tab-${name}`).hidden) return;
  $(`tab-${name}`).hidden = true;
  $(name).hidden = true;
  $(name).replaceChildren();
  closers[name]?.();
  const other = names.find((n) => !$(`tab-${n}`).hidden);
  if (other) select(other);
  else $('side').hidden = true;
}

function select(name) {
  for (const n of names) {
    $(n).hidden = n !== name;
    $(`tab-${n}`).setAttribute('aria-selected', String(n === name));
    $(`tab-${n}`).tabIndex = n === name ? 0 : -1;
  }
}

const shown = () => names.find((n) => !$(n).hidden);

for (const name of names) {
  $(`tab-${name}`).addEventListener('click', () => select(name));
  $(`tab-${name}`).addEventListener('keydown', (e) => {
    if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
    const other = names.find((n) => n !== name && !$(`tab-${n}`).hidden);
    if (other) { select(other); $(`tab-${other}`).focus(); }
  });
}
$('side-close').addEventListener('click', () => { const name = shown(); if (name) closeSide(name); });

// busyBox says that something is on its way.
export const busyBox = (text) => h('div', { class: 'busy', role: 'status' }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), text);

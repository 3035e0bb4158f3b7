// The comparison on the map: a second map over the left of the first, the divider between
// them, and the choice of both vintages above it.

import type { App } from '../app';
import { asProblem } from '../core/api';
import { $, h, icon } from '../core/dom';
import { label, lang, onLang, t } from '../core/i18n';
import { createDrawn, type Drawn } from '../map/drawn';
import { isBaseError } from '../map/base';
import { newMap, styleOf } from '../map/map';
import { forget, lost, passing, recover } from '../map/recover';
import type { Step } from '../map/steps';
import { stepText } from '../map/vintage';
import { toastProblem } from '../shell/messages';
import { createDivider } from './divider';
import { mirror } from './mirror';
import type { Compared } from './part';

// View is a comparison that is open.
export interface View {
  // show brings it to what is wanted.
  show(wanted: Compared): void;
  // focus goes to the divider.
  focus(): void;
  close(): void;
}

// Changes is what the user does to it.
export interface Changes { change: (to: Partial<Compared>) => void; close: () => void }

// openView opens the comparison; it throws the Problem of the left side's style. The page's
// own map lies under it and is the one that is dragged, clicked and drawn on.
export async function openView(app: App, list: Step[], first: Compared, { change, close }: Changes): Promise<View> {
  const { map } = app;
  const style = await styleOf(first.left);
  const picture = h('div', { class: 'swipe-map', inert: true, 'aria-hidden': 'true' });
  const box = h('section', { class: 'swipe', id: 'swipe', 'data-testid': 'swipe' }, picture);
  $('map').after(box);
  const other = newMap(picture, style, { center: map.getCenter(), zoom: map.getZoom(), interactive: false });
  other.on('error', (event) => {
    if (isBaseError(event)) return; // which base.ts says of the page's own map
    if (passing(event)) recover(other, event);
    else lost();
  });
  await new Promise<void>((resolve) => { void other.once('load', () => resolve()); });

  const drawn = createDrawn(other, app.layers, { vintage: first.left, style }, (thrown) => toastProblem(asProblem(thrown)));
  const unmirror = mirror(map, other, app.drawn);
  const follow = () => { other.jumpTo({ center: map.getCenter(), zoom: map.getZoom() }); other.redraw(); };
  map.on('move', follow);
  follow();
  let now = first;
  const sides = createSides(list, change, close);
  const divider = createDivider(box, (at) => change({ at }));
  box.append(divider.handle, sides.box);
  const alone = app.seen;
  app.seen = (point) => (point.x < (now.at / 100) * box.clientWidth ? drawn : app.drawn);
  app.beside = () => ({ map: other, at: now.at, left: sides.text(now.left), right: sides.text(now.right) });
  const leave = (e: KeyboardEvent) => {
    if (e.key !== 'Escape' || e.defaultPrevented || (e.target as Element).closest('input, select, textarea, dialog, .card, .drop')) return;
    close();
  };
  document.addEventListener('keydown', leave);
  const say = () => {
    sides.show(now);
    divider.show(now.at, t('swipe.value', { left: sides.text(now.left), right: sides.text(now.right), at: now.at }));
  };
  const unnamed = onLang(() => { label(box, t('swipe.label')); label(divider.handle, t('swipe.divider')); say(); });

  return {
    show(wanted) { now = wanted; say(); turn(drawn, wanted.left); },
    focus: () => divider.handle.focus(),
    close() {
      unnamed();
      document.removeEventListener('keydown', leave);
      map.off('move', follow);
      app.seen = alone;
      app.beside = () => null;
      unmirror();
      drawn.close();
      forget(other);
      other.remove();
      box.remove();
    },
  };
}

function turn(drawn: Drawn, to: string): void {
  if (drawn.vintage() !== to) drawn.show(to).catch((thrown: unknown) => toastProblem(asProblem(thrown)));
}

// createSides is the choice of both vintages, at the top of the divider.
function createSides(list: Step[], change: Changes['change'], close: () => void) {
  const side = (name: 'left' | 'right'): HTMLSelectElement => {
    const choice: HTMLSelectElement = h('select', {
      'data-testid': `swipe-${name}`, onchange: () => { const step = list[Number(choice.value)]; if (step) change({ [name]: step.vintage }); },
    }, list.map((_, i) => h('option', { value: String(i) })));
    return choice;
  };
  const [left, right] = [side('left'), side('right')];
  const end = h('button', { type: 'button', class: 'tiny', 'data-testid': 'swipe-close', onclick: close }, icon('m7 7 10 10M17 7 7 17'));
  const note = h('p', { class: 'swipe-note', 'data-testid': 'swipe-note' });
  const at = (vintage: string) => Math.max(0, list.findIndex((s) => s.vintage === vintage));
  const step = (vintage: string) => list[at(vintage)];
  const text = (vintage: string) => { const s = step(vintage); return s ? stepText(s) : vintage; };
  return {
    box: h('div', { class: 'swipe-sides' }, h('div', { class: 'swipe-choice' }, left, h('span', { 'aria-hidden': 'true' }, '│'), right, end), note),
    text,
    show(now: Compared) {
      for (const [choice, own, others] of [[left, now.left, now.right], [right, now.right, now.left]] as const) {
        [...choice.options].forEach((o, i) => { o.textContent = list[i] ? stepText(list[i]) : ''; o.disabled = i === at(others); });
        choice.value = String(at(own));
        choice.lang = lang() === 'zh' ? 'zh-CN' : 'en';
      }
      label(left, t('swipe.left'));
      label(right, t('swipe.right'));
      label(end, t('swipe.close'));
      note.textContent = t('swipe.note');
    },
  };
}

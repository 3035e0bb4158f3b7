// The divider between two maps: dragged by mouse or finger, moved by keys.

import { h } from '../core/dom';
import { within } from './part';

// keySteps are how far the keys move the divider, in percent of the map's width; Home and End go
// to the sides.
const keySteps: Readonly<Record<string, number>> = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };

// createDivider makes the handle for a box over the map; moved is told where it is taken, in
// percent of the box's width. show puts it there, and says so.
export function createDivider(box: HTMLElement, moved: (at: number) => void): { handle: HTMLElement; show: (at: number, text: string) => void } {
  let now = 50;
  const handle = h('div', {
    class: 'swipe-divider', role: 'slider', tabIndex: 0, 'aria-orientation': 'horizontal', 'aria-valuemin': '0', 'aria-valuemax': '100', 'data-testid': 'swipe-divider',
  }, h('span', { class: 'swipe-knob', 'aria-hidden': 'true' }));
  const go = (at: number) => { if (within(at) !== now) moved(within(at)); };
  const drag = (e: PointerEvent) => {
    const { left, width } = box.getBoundingClientRect();
    go((100 * (e.clientX - left)) / width);
  };
  handle.addEventListener('pointerdown', (e) => {
    handle.setPointerCapture(e.pointerId);
    handle.focus();
    e.preventDefault();
  });
  handle.addEventListener('pointermove', (e) => { if (handle.hasPointerCapture(e.pointerId)) drag(e); });
  handle.addEventListener('keydown', (e) => {
    const step = keySteps[e.key];
    if (step === undefined) return;
    go(now + step);
    e.preventDefault();
    e.stopPropagation();
  });
  return {
    handle,
    show(at, text) {
      now = at;
      box.style.setProperty('--at', `${at}%`);
      handle.setAttribute('aria-valuenow', String(at));
      handle.setAttribute('aria-valuetext', text);
    },
  };
}

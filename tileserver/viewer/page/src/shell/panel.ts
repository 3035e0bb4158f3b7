// A small panel that a button opens beside it: shut by the button, by Escape, by a click
// elsewhere. Its content is made anew each time.

import { h, type Child } from '../core/dom';
import { onLang, t } from '../core/i18n';
import type { Key } from '../core/words';

// createPanel wires a button to a panel called id (its data-testid, too), which is put
// beside the button. It returns {shut}.
export function createPanel(button: HTMLElement, id: string, title: Key, content: () => Child): { shut: () => void; again: () => void } {
  const panel = h('section', { class: 'panel', id, role: 'dialog', 'data-testid': id, tabIndex: -1, hidden: true });
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-controls', id);
  button.after(panel);
  const show = (open: boolean) => {
    panel.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
  };
  const fill = () => panel.replaceChildren(h('h2', null, t(title)), h('div', null, content()));
  show(false);
  button.addEventListener('click', () => {
    if (panel.hidden) fill();
    show(panel.hidden);
    if (!panel.hidden) panel.focus({ preventScroll: true });
  });
  panel.addEventListener('keydown', (e) => { if (e.key === 'Escape') { show(false); button.focus(); } });
  document.addEventListener('pointerdown', (e) => {
    if (e.target instanceof Node && !panel.contains(e.target) && !button.contains(e.target)) show(false);
  });
  panel.addEventListener('focusout', (e) => {
    if (e.relatedTarget instanceof Node && !panel.contains(e.relatedTarget) && !button.contains(e.relatedTarget)) show(false);
  });
  onLang(() => { panel.setAttribute('aria-label', t(title)); if (!panel.hidden) fill(); });
  return { shut: () => show(false), again: () => { if (!panel.hidden) fill(); } };
}

// facts is a list of names and what they are; a fact that is '' or null is left out.
export const facts = (all: [string, Child][]): HTMLElement => h('dl', { class: 'facts' },
  ...all.filter(([, what]) => what !== '' && what !== null && what !== undefined).flatMap(([name, what]) => [h('dt', null, name), h('dd', null, what)]));

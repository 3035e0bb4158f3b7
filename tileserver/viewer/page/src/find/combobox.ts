// A text box with a list of results under it, by the combobox pattern of WAI-ARIA: the text
// box keeps the focus, arrow keys choose in the list, Enter takes, Esc shuts.

import { $, h, type Child } from '../core/dom';
import { onLang } from '../core/i18n';

// Row is one result: what it looks like, and what it does; second does what Shift+Enter
// does, too.
export interface Row { content: () => Child; testid: string; run: () => void; second?: (() => void) | undefined }

// Shown are the results and what is said beside them; drawn anew in another language.
export interface Shown { rows: Row[]; notes: () => Child }

export interface Combobox {
  // show opens the list.
  show(shown: Shown): void;
  shut(): void;
}

// doubleMs is within what time a second Enter belongs to the first.
const doubleMs = 500;

// createCombobox wires the search box of the page. ask runs when the user wants an answer to
// what stands in the box at once, typed when the text has changed.
export function createCombobox(on: { typed: (text: string) => void; ask: (text: string) => Promise<void> }): Combobox {
  const input = $<HTMLInputElement>('search-input');
  const [list, options, notes] = [$('search-list'), $('search-options'), $('search-notes')];
  let shown: Shown | null = null;
  let at = -1;
  let entering = false;
  let enteredMs = -doubleMs;

  const open = (yes: boolean) => {
    list.hidden = !yes;
    input.setAttribute('aria-expanded', String(yes));
    if (!yes) point(-1);
  };
  const point = (next: number) => {
    at = next;
    [...options.children].forEach((el, i) => el.setAttribute('aria-selected', String(i === at)));
    const chosen = options.children[at];
    if (chosen) { input.setAttribute('aria-activedescendant', chosen.id); chosen.scrollIntoView({ block: 'nearest' }); } else input.removeAttribute('aria-activedescendant');
  };
  const take = (i: number, second: boolean) => {
    const row = shown?.rows[i];
    if (!row) return;
    open(false);
    (second && row.second ? row.second : row.run)();
  };
  const draw = () => {
    options.replaceChildren(...(shown?.rows ?? []).map((row, i) => h('li', {
      role: 'option', id: `search-option-${i}`, 'aria-selected': 'false', 'data-testid': row.testid,
      // The box keeps the focus.
      onmousedown: (e: Event) => e.preventDefault(),
      onclick: (e: Event) => take(i, e.target instanceof Element && e.target.closest('.second') !== null),
    }, row.content())));
    options.hidden = !shown?.rows.length;
    notes.replaceChildren(h('div', null, shown?.notes()));
    point(-1);
  };
  const keys: Record<string, (e: KeyboardEvent) => void> = {
    ArrowDown: (e) => step(e, 1), ArrowUp: (e) => step(e, -1),
    Escape: (e) => { if (!list.hidden) { open(false); e.preventDefault(); } },
    Tab: () => open(false),
  };
  const step = (e: KeyboardEvent, by: number) => {
    e.preventDefault();
    const n = shown?.rows.length ?? 0;
    if (!n) return;
    if (list.hidden) { open(true); point(by > 0 ? 0 : n - 1); } else point(at < 0 ? (by > 0 ? 0 : n - 1) : (at + by + n) % n);
  };
  const enter = async (second: boolean) => {
    entering = true;
    try {
      if (list.hidden || at < 0) await on.ask(input.value);
      if (!list.hidden) take(Math.max(at, 0), second);
    } finally {
      entering = false;
    }
  };
  // once tells whether an Enter is a new one: while the answer to one is on its way, and in
  // its double press, it is the same.
  const once = (e: KeyboardEvent): boolean => {
    const again = entering || e.repeat || e.timeStamp - enteredMs < doubleMs;
    if (!again) enteredMs = e.timeStamp;
    return !again;
  };

  input.addEventListener('input', () => { enteredMs = -doubleMs; shown = null; open(false); on.typed(input.value); });
  input.addEventListener('focus', () => { if (shown && input.value) open(true); });
  input.addEventListener('keydown', (e) => {
    // While characters are put together, Enter and arrows are the input method's.
    if (e.isComposing) return;
    if (e.key === 'Enter') { e.preventDefault(); if (once(e)) void enter(e.shiftKey); return; }
    enteredMs = -doubleMs;
    keys[e.key]?.(e);
  });
  $('search').addEventListener('submit', (e) => e.preventDefault());
  document.addEventListener('pointerdown', (e) => { if (!(e.target instanceof Element && e.target.closest('#search'))) open(false); });
  onLang(() => { if (shown) { const was = at; draw(); point(was); } });
  return {
    show: (next) => { shown = next; draw(); open(true); },
    shut: () => { shown = null; open(false); },
  };
}

// The card at the side that answers open in, a tab each. On a narrow screen it is a
// sheet at the foot. A wide tab covers most of the map.

import { $, h, type Child } from '../core/dom';
import { onLang, t } from '../core/i18n';
import type { Key } from '../core/words';
import { layersOpen, narrow, showLayers } from './frame';

// Card is one tab of the side. A card is created once, and shut at first.
export interface Card {
  // open shows the tab in front with content; closed runs when the user, or close,
  // shuts it, and replaces the closed of the content before.
  open(content: Child, closed?: () => void): void;
  // fill replaces the content without bringing the tab to the front; nothing where it is shut.
  fill(content: Child): void;
  close(): void;
  isOpen(): boolean;
  // body is the element that holds the content.
  readonly body: HTMLElement;
}

interface Tab extends Card { id: string; tab: HTMLButtonElement; wide: boolean; closed: (() => void) | undefined }

const tabs: Tab[] = [];

// createCard makes a tab. id names it in tests (data-testid ID-panel) and in the page
// (#ID, #tab-ID).
export function createCard(id: string, title: Key, { wide = false } = {}): Card {
  const tab = h('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': id, hidden: true, onclick: () => select(own) });
  tab.addEventListener('keydown', move);
  const body = h('div', { class: 'card-body', role: 'tabpanel', id, 'data-testid': `${id}-panel`, 'aria-labelledby': tab.id, tabIndex: 0, hidden: true });
  onLang(() => { tab.textContent = t(title); });
  const own: Tab = {
    id, tab, body, wide, closed: undefined,
    isOpen: () => !tab.hidden,
    open(content, closed) {
      own.closed = closed;
      body.replaceChildren(h('div', null, content));
      body.scrollTop = 0;
      tab.hidden = false;
      $('side').hidden = false;
      if (narrow() && layersOpen()) showLayers(false);
      select(own);
    },
    fill(content) { if (!tab.hidden) body.replaceChildren(h('div', null, content)); },
    close() {
      if (tab.hidden) return;
      const front = !body.hidden;
      tab.hidden = true;
      body.hidden = true;
      body.replaceChildren();
      const { closed } = own;
      own.closed = undefined;
      closed?.();
      const other = tabs.find((o) => !o.tab.hidden);
      if (other && front) select(other); // a tab behind another leaves that where it is
      else if (!other) $('side').hidden = true;
    },
  };
  tabs.push(own);
  $('side-tabs').append(tab);
  $('side').append(body);
  return own;
}

function select(chosen: Tab): void {
  for (const o of tabs) {
    o.body.hidden = o !== chosen;
    o.tab.setAttribute('aria-selected', String(o === chosen));
    o.tab.tabIndex = o === chosen ? 0 : -1;
  }
  $('side').classList.toggle('wide', chosen.wide);
  chosen.tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

// move goes from tab to tab by the arrow keys.
function move(e: KeyboardEvent): void {
  const step = e.key === 'ArrowLeft' ? -1 : e.key === 'ArrowRight' ? 1 : 0;
  if (!step) return;
  const shown = tabs.filter((o) => !o.tab.hidden);
  const at = shown.findIndex((o) => o.tab === e.currentTarget);
  const next = shown[(at + step + shown.length) % shown.length];
  if (next) { select(next); next.tab.focus(); }
}

$('side-close').addEventListener('click', () => tabs.find((o) => !o.body.hidden)?.close());

// The column of tools at the side of the map.

import { $, h, icon } from '../core/dom';
import { label, onLang, t } from '../core/i18n';
import { may, type Operation } from '../core/me';
import type { Key } from '../core/words';

// groups in the order in which they stand, parted by rules.
const groups = ['layers', 'ask', 'questions', 'more', 'zoom'] as const;

export interface Tool {
  id: string; // of the button, and its data-testid
  group: (typeof groups)[number];
  icon: string; // paths of a drawing of 24 × 24
  label: Key;
  run: (event: MouseEvent) => void;
  // toggle says that the button shows a state, which its owner sets by aria-pressed.
  toggle?: boolean;
  // controls is the id of what the button opens and shuts (aria-expanded).
  controls?: string;
  // needs is the kind of questions that the tool asks, or tells whether all that it asks is
  // open to the user: who may not ask does not see it.
  needs?: Operation | (() => boolean);
}

// addTool adds a button at the end of its group and returns it.
export function addTool(tool: Tool): HTMLButtonElement {
  const button = h('button', {
    type: 'button', id: tool.id, 'data-testid': tool.id, 'aria-pressed': tool.toggle ? 'false' : null,
    'aria-expanded': tool.controls ? 'false' : null, 'aria-controls': tool.controls, hidden: !open(tool.needs), onclick: tool.run,
  }, icon(tool.icon));
  onLang(() => label(button, t(tool.label)));
  groupOf(tool.group).append(button);
  return button;
}

const open = (needs: Tool['needs']): boolean => (typeof needs === 'function' ? needs() : needs === undefined || may(needs));

function groupOf(name: Tool['group']): HTMLElement {
  const rail = $('tools');
  if (!rail.firstElementChild) {
    const boxOf = (of: readonly string[]) => h('div', { class: 'tool-box' }, of.map((group) => h('div', { class: 'tool-group', 'data-group': group })));
    // On a narrow screen zooming stands apart, at the other side.
    rail.append(boxOf(groups.filter((group) => group !== 'zoom')), boxOf(['zoom']));
  }
  return rail.querySelector<HTMLElement>(`[data-group="${name}"]`) as HTMLElement;
}

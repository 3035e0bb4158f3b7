// The fields of a form. Each writes what it holds into a map, under its name, so that the
// form can be made anew in another language.

import { h } from '../core/dom';
import { pick, t } from '../core/i18n';
import type { Choice } from '../jobs/answers';

// Filled is what a form holds: values by name, '' where nothing is said.
export type Filled = Map<string, string>;

// choice is a value and what it is called.
export const choice = (value: string, title: string): Choice => ({ value, title });

const id = (name: string): string => `analyses-field-${name}`;

const row = (name: string, title: string, control: HTMLElement, unit = '', hint = ''): HTMLElement => h('div', { class: 'analyses-field' },
  h('label', { htmlFor: id(name) }, title, hint && h('small', null, hint)), h('span', { class: 'analyses-control' }, control, unit ? h('span', { class: 'analyses-unit' }, t(`analyses.unit.${unit}` as 'analyses.unit.m')) : ''));

// field is a line of text.
export function field(name: string, title: string, props: Record<string, unknown>, filled: Filled, unit = '', hint = ''): HTMLElement {
  const input = h('input', { type: 'text', id: id(name), 'data-testid': id(name), spellcheck: false, autocomplete: 'off', ...props, value: filled.get(name) ?? '', oninput: () => filled.set(name, input.value) });
  return row(name, title, input, unit, hint);
}

// lines is a text of several lines.
export function lines(name: string, title: string, filled: Filled): HTMLElement {
  const input = h('textarea', { id: id(name), 'data-testid': id(name), rows: 5, spellcheck: false, value: filled.get(name) ?? '', oninput: () => filled.set(name, input.value) });
  return row(name, title, input);
}

// select is one of some choices; changed runs after each.
export function select(name: string, title: string, choices: Choice[], filled: Filled, changed?: () => void): HTMLElement {
  const now = filled.get(name) ?? '';
  if (!choices.some((c) => c.value === now)) filled.set(name, choices[0]?.value ?? '');
  const box: HTMLSelectElement = h('select', { id: id(name), 'data-testid': id(name), onchange: () => { filled.set(name, box.value); changed?.(); } },
    choices.map((c) => h('option', { value: c.value, selected: c.value === filled.get(name) }, pick(c.title))));
  return row(name, title, box);
}

// several are some of the choices, written with commas between.
export function several(name: string, title: string, choices: Choice[], filled: Filled): HTMLElement {
  const on = new Set((filled.get(name) ?? '').split(',').filter(Boolean));
  const change = (value: string, checked: boolean) => {
    if (checked) on.add(value);
    else on.delete(value);
    filled.set(name, choices.map((c) => c.value).filter((v) => on.has(v)).join(','));
  };
  return h('fieldset', { class: 'analyses-field' }, h('legend', null, title), choices.map((c) => h('label', { class: 'analyses-check' },
    h('input', { type: 'checkbox', checked: on.has(c.value), 'data-testid': `${id(name)}-${c.value}`, onchange: (e: Event) => change(c.value, (e.currentTarget as HTMLInputElement).checked) }), pick(c.title))));
}

// check is yes or no.
export function check(name: string, title: string, filled: Filled): HTMLElement {
  return h('label', { class: 'analyses-field analyses-check' },
    h('input', { type: 'checkbox', id: id(name), 'data-testid': id(name), checked: filled.get(name) === 'true', onchange: (e: Event) => filled.set(name, String((e.currentTarget as HTMLInputElement).checked)) }), title);
}

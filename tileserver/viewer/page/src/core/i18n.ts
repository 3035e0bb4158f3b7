// The page's two languages: which one is in force, and the words of the page
// itself. The names of survey fields are in fields.ts.

import { words, type Key } from './words';

export type Lang = 'zh' | 'en';

// Text is a title from the server: one text, or one a language.
export type Text = string | { zh?: string; en?: string } | null | undefined;

const stored = localStorage.getItem('gengtu.lang');
const preferred = navigator.languages?.[0] ?? navigator.language ?? '';
const listeners = new Set<() => void>();

let current: Lang = stored === 'zh' || stored === 'en' ? stored : preferred.toLowerCase().startsWith('zh') ? 'zh' : 'en';

// lang is the language in force.
export const lang = (): Lang => current;

// t returns the words for key; {name} in them is replaced from values.
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const pair = words[key];
  if (!pair) return key;
  return pair[current === 'zh' ? 0 : 1].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

// joined is a list of names in one sentence.
export const joined = (names: readonly string[]): string => names.join(lang() === 'zh' ? '、' : ', ');

// pick returns the text in force of a title from the server, of which the other
// language stands in for one that is missing.
export function pick(text: Text): string {
  if (text == null) return '';
  if (typeof text === 'string') return text;
  return text[current] || text.zh || text.en || '';
}

// onLang runs fn now and after each change of language, until what it returns is called.
export function onLang(fn: () => void): () => void {
  listeners.add(fn);
  fn();
  return () => void listeners.delete(fn);
}

// setLang puts a language in force, remembers it and redraws all words.
export function setLang(next: Lang): void {
  current = next;
  localStorage.setItem('gengtu.lang', next);
  for (const fn of listeners) fn();
}

// translatePage fills the elements of index.html that name their words.
export function translatePage(): void {
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  const each = (name: string, fn: (el: HTMLElement, words: string) => void) => {
    for (const el of document.querySelectorAll<HTMLElement>(`[data-${name}]`)) fn(el, t(el.getAttribute(`data-${name}`) as Key));
  };
  each('i18n', (el, text) => { el.textContent = text; });
  each('i18n-placeholder', (el, text) => { (el as HTMLInputElement).placeholder = text; });
  each('i18n-label', label);
}

// label names an element for those who do not see it, and by a tip where it is a button.
export function label(el: HTMLElement, text: string): void {
  el.setAttribute('aria-label', text);
  if (el.tagName === 'BUTTON') el.title = text;
}

// The page's two languages: which one is in force, and the words of the page
// itself. The names of survey fields are in fields.js.

import { words } from './words.js';

const stored = localStorage.getItem('gengtu.lang');
const preferred = (navigator.languages?.length ? navigator.languages : [navigator.language])[0] || '';
const listeners = [];

let current = stored === 'zh' || stored === 'en' ? stored : preferred.toLowerCase().startsWith('zh') ? 'zh' : 'en';

// lang is the language in force, 'zh' or 'en'.
export const lang = () => current;

// t returns the words for key; {name} in them is replaced from values.
export function t(key, values = {}) {
  const pair = words[key];
  if (!pair) return key;
  return pair[current === 'zh' ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

// pick returns the text in force of a title from the server: a string, or
// {zh, en}, of which the other language stands in for one that is missing.
export function pick(text) {
  if (text == null) return '';
  if (typeof text === 'string') return text;
  return text[current] || text.zh || text.en || '';
}

// onLang runs fn now and after each change of language.
export function onLang(fn) {
  listeners.push(fn);
  fn();
}

// setLang puts a language in force, remembers it and redraws all words.
export function setLang(next) {
  current = next;
  localStorage.setItem('gengtu.lang', next);
  for (const fn of listeners) fn();
}

// translatePage fills the elements of index.html that name their words.
export function translatePage() {
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  for (const el of document.querySelectorAll('[data-i18n]')) el.textContent = t(el.dataset.i18n);
  for (const el of document.querySelectorAll('[data-i18n-placeholder]')) el.placeholder = t(el.dataset.i18nPlaceholder);
  for (const el of document.querySelectorAll('[data-i18n-label]')) {
    const label = t(el.dataset.i18nLabel);
    el.setAttribute('aria-label', label);
    if (el.tagName === 'BUTTON') el.title = label;
  }
}

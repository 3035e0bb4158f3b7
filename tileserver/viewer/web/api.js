// Requests to the server that the page came from: one tier, one token.
//
// The token travels in the Authorization header and to this server only; it is
// kept for the tab (sessionStorage) and taken out of the page's address.

import { lang, t } from './i18n.js';

// root is the address that the tiers lie below; the modules lie in viewer/.
const root = new URL('../', import.meta.url);

// tiers, most open first.
export const tiers = ['public', 'government', 'secure'];

const query = new URLSearchParams(location.search);

// tier is the edition that the page shows.
export const tier = tiers.includes(query.get('tier')) ? query.get('tier') : 'public';

// tierGiven tells whether the address names the tier.
export const tierGiven = query.has('tier');

const storageKey = (name) => `gengtu.token.${name}`;
const generationListeners = [];
const refusedListeners = [];

let token = takeToken() ?? sessionStorage.getItem(storageKey(tier)) ?? '';

// takeToken moves a token from the page's address into the tab's storage.
function takeToken() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const given = hash.get('tk') ?? query.get('tk');
  if (given == null) return null;
  query.delete('tk');
  const rest = location.hash.slice(1).split('&').filter((part) => part && !part.startsWith('tk='));
  const search = query.toString();
  history.replaceState(null, '', location.pathname + (search ? `?${search}` : '') + (rest.length ? `#${rest.join('&')}` : ''));
  sessionStorage.setItem(storageKey(tier), given);
  return given;
}

// setToken keeps a token for this tier and tab; '' forgets it.
export function setToken(next) {
  token = next;
  if (next) sessionStorage.setItem(storageKey(tier), next);
  else sessionStorage.removeItem(storageKey(tier));
}

// hasToken tells whether requests carry a token.
export const hasToken = () => token !== '';

// tierURL returns the absolute address of path below the tier.
export const tierURL = (path) => new URL(`${tier}/${path}`, root).href;

// vintage is the one that the page shows, by ?vintage= in its address; '' the latest.
export const vintage = query.get('vintage') ?? '';

// dated adds the page's vintage to an address.
function dated(url) {
  if (!vintage) return url;
  const at = new URL(url);
  at.searchParams.set('vintage', vintage);
  return at.href;
}

// authorize returns the headers that a request to url may carry: the token for
// addresses below this tier of this server, nothing for any other.
export function authorize(url) {
  const own = token && new URL(url, location.href).href.startsWith(tierURL(''));
  return own ? { Authorization: `Bearer ${token}` } : {};
}

// onGeneration runs fn with the generation that each answer names.
export const onGeneration = (fn) => generationListeners.push(fn);

// onRefused runs fn when the server no longer takes the token.
export const onRefused = (fn) => refusedListeners.push(fn);

// Problem is an answer that is no result: an RFC 9457 problem, another HTTP
// status, or no answer at all (status 0).
export class Problem extends Error {
  constructor({ status = 0, code = '', title = '', detail = '', retryAfter = 0 }) {
    super(detail || title || code || `status ${status}`);
    Object.assign(this, { status, code, title, detail, retryAfter });
  }

  // words says in the page's language what is wrong.
  words() {
    if (this.code.toLowerCase().startsWith('policy')) return t('error.policy');
    if (this.code.toLowerCase() === 'timeout') return t('error.timeout');
    const key = ['400', '401', '403', '404', '410', '413', '422', '429', '501', '503'].find((s) => s === String(this.status));
    if (key) return t(`error.${key}`, { s: this.retryAfter || 5 });
    if (this.status === 0) return t('error.network');
    return this.status >= 500 ? t('error.500') : t('error.400');
  }

  // advice is the server's own text, or what to do when there was no answer.
  advice() {
    if (this.status === 0) return t('error.network.do');
    return this.detail || this.title;
  }
}

// get returns the JSON at path below the tier; it throws a Problem, or the
// AbortError of signal.
export const get = (path, signal) => send(dated(tierURL(path)), { signal });

// post sends body as JSON to path below the tier and returns the answer's JSON.
export const post = (path, body, signal) => send(dated(tierURL(path)), {
  method: 'POST', body: JSON.stringify(body), signal, headers: { 'Content-Type': 'application/json' },
});

// getBlob returns what is at an absolute address, as it is; it throws a Problem.
export async function getBlob(url) {
  let answer;
  try {
    answer = await fetch(url, { credentials: 'omit', headers: authorize(url) });
  } catch {
    throw new Problem({ status: 0 });
  }
  if (!answer.ok) throw new Problem({ status: answer.status });
  return answer.blob();
}

// probe tells how another tier answers: 200, 401, 404 …; 0 without an answer.
export async function probe(other) {
  const kept = sessionStorage.getItem(storageKey(other));
  try {
    const answer = await fetch(new URL(`${other}/catalog`, root), {
      method: 'HEAD', headers: kept ? { Authorization: `Bearer ${kept}` } : {}, credentials: 'omit',
    });
    return answer.status;
  } catch {
    return 0;
  }
}

async function send(url, { headers = {}, ...options }) {
  let answer;
  try {
    answer = await fetch(url, {
      ...options, credentials: 'omit',
      headers: { Accept: 'application/json, application/geo+json, application/problem+json', 'Accept-Language': lang(), ...headers, ...authorize(url) },
    });
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause;
    throw new Problem({ status: 0 });
  }
  const generation = answer.headers.get('Gengtu-Generation');
  if (answer.ok && generation) for (const fn of generationListeners) fn(generation);
  const text = await answer.text();
  let body;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (answer.ok) throw new Problem({ status: answer.status, detail: t('error.answer') });
  }
  if (answer.ok) return body;
  if (answer.status === 401) for (const fn of refusedListeners) fn();
  throw new Problem({
    status: answer.status, code: String(body?.code ?? ''), title: body?.title, detail: body?.detail,
    retryAfter: Number.parseInt(answer.headers.get('Retry-After'), 10) || 0,
  });
}

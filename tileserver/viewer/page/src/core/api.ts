// Requests to the server that the page came from: one tier, one token. The room core is what
// every other stands on: requests, words, elements, numbers and places as text. It imports no
// other room, and shows nothing of its own.
//
// The token travels in the Authorization header and to this server only; it is
// kept for the tab (sessionStorage) and taken out of the page's address.

import { lang, t } from './i18n';
import { tokenKey } from './kept';

// root is the address that the tiers lie below; the page's files lie in viewer/.
const root = new URL('../', import.meta.url);

export type Tier = 'public' | 'government' | 'secure';

// tiers, most open first.
export const tiers: readonly Tier[] = ['public', 'government', 'secure'];

const query = new URLSearchParams(location.search);

// tierGiven is what the page's address names as its tier; '' where it names none.
export const tierGiven = query.get('tier') ?? '';

// tier is the edition that the page shows; public where the address names none, or one that
// there is not.
export const tier: Tier = tiers.find((name) => name === tierGiven) ?? 'public';

// tierUnknown tells whether the address names a tier that there is not: nothing is shown.
export const tierUnknown = tierGiven !== '' && tierGiven !== tier;

const generationListeners: ((generation: string) => void)[] = [];
const refusedListeners: (() => void)[] = [];
const vintageListeners: ((vintage: string) => void)[] = [];

let token = takeToken() ?? (tierUnknown ? '' : sessionStorage.getItem(tokenKey(tier)) ?? '');
let shownVintage = takeVintage();

// takeToken moves a token from the page's address into the tab's storage, and returns it;
// null where there is none. Requests carry it from the page's next beginning on. One for a tier
// that there is not is taken out of the address and kept nowhere.
export function takeToken(): string | null {
  const hash = new URLSearchParams(location.hash.slice(1));
  const given = hash.get('tk') ?? query.get('tk');
  if (given == null) return null;
  query.delete('tk');
  const rest = location.hash.slice(1).split('&').filter((part) => part && !part.startsWith('tk='));
  const search = query.toString();
  history.replaceState(null, '', location.pathname + (search ? `?${search}` : '') + (rest.length ? `#${rest.join('&')}` : ''));
  if (!tierUnknown) sessionStorage.setItem(tokenKey(tier), given);
  return tierUnknown ? null : given;
}

// takeVintage moves a vintage from the query of the page's address behind its #, where it
// can change without a reload, and returns the one that the address asks for.
function takeVintage(): string {
  const hash = new URLSearchParams(location.hash.slice(1));
  const given = query.get('vintage');
  const asked = hash.get('vintage') ?? given ?? '';
  if (given === null) return asked;
  query.delete('vintage');
  const rest = location.hash.slice(1).split('&').filter((part) => part && !part.startsWith('vintage='));
  if (asked) rest.push(`vintage=${encodeURIComponent(asked)}`);
  const search = query.toString();
  history.replaceState(null, '', location.pathname + (search ? `?${search}` : '') + (rest.length ? `#${rest.join('&')}` : ''));
  return asked;
}

// setToken keeps a token for this tier and tab; '' forgets it.
export function setToken(next: string): void {
  token = next;
  if (next) sessionStorage.setItem(tokenKey(tier), next);
  else sessionStorage.removeItem(tokenKey(tier));
}

// hasToken tells whether requests carry a token.
export const hasToken = (): boolean => token !== '';

// currentToken is the token that requests carry, for whoever asks to have it in an address; ''
// where there is none.
export const currentToken = (): string => token;

// tierURL returns the absolute address of path below the tier.
export const tierURL = (path: string): string => new URL(`${tier}/${path}`, root).href;

// vintage is the one that the page shows, by vintage= behind the # of its address; '' the
// latest of each layer.
export const vintage = (): string => shownVintage;

// setVintage shows another vintage, '' the latest of each layer. What shows it, and the
// address, follow by onVintage.
export function setVintage(next: string): void {
  if (next === shownVintage) return;
  shownVintage = next;
  for (const fn of vintageListeners) fn(next);
}

// onVintage runs fn after each change of the vintage.
export const onVintage = (fn: (vintage: string) => void): void => void vintageListeners.push(fn);

// dated adds a vintage, by default the page's, to an address that names none.
export function dated(url: string, of: string = shownVintage): string {
  const at = new URL(url);
  if (!of || at.searchParams.has('vintage')) return url;
  at.searchParams.set('vintage', of);
  return at.href;
}

// authorize returns the headers that a request to url may carry: the token for
// addresses below this tier of this server, nothing for any other.
export function authorize(url: string): Record<string, string> {
  const own = token !== '' && new URL(url, location.href).href.startsWith(tierURL(''));
  return own ? { Authorization: `Bearer ${token}` } : {};
}

// onGeneration runs fn with the generation that each answer names.
export const onGeneration = (fn: (generation: string) => void): void => void generationListeners.push(fn);

// onRefused runs fn when the server no longer takes the token.
export const onRefused = (fn: () => void): void => void refusedListeners.push(fn);

// Problem is an answer that is no result: an RFC 9457 problem, another HTTP
// status, or no answer at all (status 0).
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string; // what the server advises
  readonly retryAfter: number; // seconds
  readonly login: { title: string; address: string }[]; // where a token can be had

  constructor(p: { status?: number; code?: string; title?: string; detail?: string; remedy?: string; retryAfter?: number; login?: { title: string; address: string }[] }) {
    super(p.detail || p.title || p.code || `status ${p.status ?? 0}`);
    this.status = p.status ?? 0;
    this.code = p.code ?? '';
    this.title = p.title ?? '';
    this.detail = p.detail ?? '';
    this.remedy = p.remedy ?? '';
    this.retryAfter = p.retryAfter ?? 0;
    this.login = p.login ?? [];
  }

  // words says in the page's language what is wrong.
  words(): string {
    if (this.code.toLowerCase().startsWith('policy')) return t('error.policy');
    if (this.code.toLowerCase() === 'timeout') return t('error.timeout');
    const key = (['400', '401', '403', '404', '410', '413', '422', '429', '501', '503'] as const).find((s) => s === String(this.status));
    if (key) return t(`error.${key}`, { s: this.retryAfter || 5 });
    if (this.status === 0) return t('error.network');
    return this.status >= 500 ? t('error.500') : t('error.400');
  }

  // advice is the server's own text, or what to do when there was no answer.
  advice(): string {
    if (this.status === 0) return t('error.network.do');
    if (this.status === 401) return t('error.401.do'); // the server's own says how programs give a token
    const found = this.detail || this.title;
    return this.remedy ? `${found}${/[.。]$/.test(found) ? '' : lang() === 'zh' ? '。' : '. '}${this.remedy}` : found;
  }

  // passing tells whether the same request may do better later.
  passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

// aborted tells whether what was thrown is the end of a request that nobody waits for.
export const aborted = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AbortError';

// asProblem returns what was thrown as a Problem; what is none is a fault of the page,
// shown as such.
export const asProblem = (thrown: unknown): Problem => (thrown instanceof Problem ? thrown : new Problem({ status: 500, detail: String(thrown) }));

// get returns the JSON at path below the tier; it throws a Problem, or the
// AbortError of signal.
export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => send<T>(dated(tierURL(path)), { signal: signal ?? null });

// getOf is get for a vintage, '' the latest of each layer, whatever the page shows.
export const getOf = <T>(of: string, path: string, signal?: AbortSignal): Promise<T> => send<T>(of ? dated(tierURL(path), of) : tierURL(path), { signal: signal ?? null });

// post sends body as JSON to path below the tier and returns the answer's JSON.
export const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> => postText<T>(path, JSON.stringify(body), 'application/json', signal);

// postText sends text, or a file, of a type to path below the tier and returns the answer's JSON.
export const postText = <T>(path: string, body: BodyInit, type: string, signal?: AbortSignal): Promise<T> => send<T>(dated(tierURL(path)), {
  method: 'POST', body, signal: signal ?? null, headers: { 'Content-Type': type },
});

// remove sends DELETE to path below the tier.
export const remove = <T>(path: string): Promise<T> => send<T>(tierURL(path), { method: 'DELETE' });

// reached waits for something of the server; where it does not come, or breaks off, that is a
// Problem without an answer. The AbortError of a signal stays what it is.
export async function reached<T>(coming: Promise<T>): Promise<T> {
  try {
    return await coming;
  } catch (cause) {
    if (aborted(cause)) throw cause;
    throw new Problem({ status: 0 });
  }
}

// open asks for what is at an absolute address of this server, with the token where it
// belongs, and returns the answer as it comes; it throws a Problem.
export async function open(url: string, options: RequestInit = {}): Promise<Response> {
  const answer = await reached(fetch(url, {
    ...options, credentials: 'omit',
    headers: { 'Accept-Language': lang(), ...(options.headers as Record<string, string> | undefined), ...authorize(url) },
  }));
  if (answer.ok) return answer;
  throw await problemOf(answer);
}

// getBlob returns what is at an absolute address, as it is; it throws a Problem.
export const getBlob = async (url: string): Promise<Blob> => reached((await open(url)).blob());

// hasTokenFor tells whether this tab keeps a token for a tier.
export const hasTokenFor = (name: Tier): boolean => sessionStorage.getItem(tokenKey(name)) !== null;

// served asks which tiers this server has: its page says so in the header Gengtu-Tiers.
// There are none without an answer.
export async function served(): Promise<Tier[]> {
  try {
    const answer = await fetch(root, { method: 'HEAD', credentials: 'omit', cache: 'no-store' });
    const names = (answer.headers.get('Gengtu-Tiers') ?? '').split(' ');
    return tiers.filter((name) => names.includes(name));
  } catch {
    return [];
  }
}

async function send<T>(url: string, options: RequestInit): Promise<T> {
  const answer = await open(url, {
    ...options, headers: { Accept: 'application/json, application/geo+json, application/problem+json', ...(options.headers as Record<string, string> | undefined) },
  });
  const generation = answer.headers.get('Gengtu-Generation');
  if (generation) for (const fn of generationListeners) fn(generation);
  const text = await reached(answer.text());
  try {
    return (text ? JSON.parse(text) : null) as T;
  } catch {
    throw new Problem({ status: answer.status, detail: t('error.answer') });
  }
}

async function problemOf(answer: Response): Promise<Problem> {
  if (answer.status === 401) for (const fn of refusedListeners) fn();
  const body = await answer.json().catch(() => null) as { code?: string; title?: string; detail?: string; advice?: string; login?: { title: string; address: string }[] } | null;
  return new Problem({
    status: answer.status, code: body?.code ?? '', title: body?.title ?? '', detail: body?.detail ?? '', remedy: body?.advice ?? '', login: body?.login ?? [],
    retryAfter: Number.parseInt(answer.headers.get('Retry-After') ?? '', 10) || 0,
  });
}

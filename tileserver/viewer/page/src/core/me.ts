// Who the user is, and what they may ask, from GET /{tier}/me.

import { getOf } from './api';

export type Operation = 'tiles' | 'features' | 'overlay' | 'analyses' | 'exchange';

// LoginPlace is where a token can be had: at the issuer that title names.
export interface LoginPlace { title: string; address: string }

// Me is what the server says of who asks. What is null is not known or not bound.
export interface Me {
  how: 'token' | 'oidc' | 'open';
  name: string | null;
  issuer: string | null;
  address: string | null;
  operations: Operation[];
  layers: string[] | null;
  places: string[] | null;
  area: string | null;
  min_zoom: number | null;
  max_zoom: number | null;
  expires: string | null; // RFC 3339
  now: string; // the server's clock, RFC 3339
  rate: number | null; // requests a second
  burst: number | null;
  watermark: boolean;
  login?: LoginPlace[];
  logout: string | null; // where the session at the issuer ends
}

// address is the service of the catalogue by which each kind of questions is offered.
const address: Partial<Record<Operation, string>> = { tiles: 'tilejson', features: 'places', overlay: 'overlay', analyses: 'analyses' };

let offered: Record<string, string> = {};
let who: Me | null = null;
let skewMs = 0;

// loadMe asks who the user is, where the services of the catalogue say that there is
// somebody to ask; it throws a Problem.
export async function loadMe(services: Record<string, string>): Promise<void> {
  offered = services;
  who = 'me' in services ? await getOf<Me>('', 'me') : null; // whoever asks is so in each vintage
  if (who) skewMs = Date.parse(who.now) - Date.now();
}

// me is who the user is; null before loadMe, and of a server that does not say.
export const me = (): Me | null => who;

// nowMs is the time by the server's clock, in milliseconds.
export const nowMs = (): number => Date.now() + skewMs;

// offers tells whether the catalogue names a service for who asks: what their token or the
// tier's policy does not open is not named. A server that offers nothing at all says nothing
// of it.
export const offers = (service: string): boolean => !Object.keys(offered).length || service in offered;

// may tells whether the user may ask questions of a kind. A server that offers nothing at
// all says nothing of it, and all may be asked.
export function may(operation: Operation): boolean {
  if (who && !who.operations.includes(operation)) return false;
  if (!Object.keys(offered).length) return true;
  const name = address[operation];
  return name === undefined ? who !== null : name in offered;
}

// The ids of the analyses that were asked from this tab. Above public the server knows
// whose they are; in public nobody is told apart, and the tab remembers its own.

import { tier } from '../core/api';

const key = `gengtu.analyses.${tier}`;

// most is how many ids are remembered, the newest first.
const most = 20;

// remembered are the ids, the newest first; none above public.
export function remembered(): string[] {
  const list: unknown = tier === 'public' ? JSON.parse(sessionStorage.getItem(key) ?? '[]') : [];
  return Array.isArray(list) ? list.filter((id): id is string => typeof id === 'string') : [];
}

const keep = (ids: string[]) => { if (tier === 'public') sessionStorage.setItem(key, JSON.stringify(ids.slice(0, most))); };

// remember puts an id in front.
export const remember = (id: string): void => keep([id, ...remembered().filter((other) => other !== id)]);

// forget takes an id out.
export const forget = (id: string): void => keep(remembered().filter((other) => other !== id));

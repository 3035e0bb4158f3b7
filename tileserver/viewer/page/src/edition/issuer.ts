// Leaving for an issuer, which sends the user back with a token.

import { tier } from '../core/api';
import { returnKey } from '../core/kept';
import type { LoginPlace } from '../core/me';

// logIn leaves for an issuer; the page comes back to where it was.
export function logIn(place: LoginPlace): void {
  sessionStorage.setItem(returnKey(tier), `?${new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(location.search)), tier }).toString()}${location.hash}`);
  location.assign(place.address);
}

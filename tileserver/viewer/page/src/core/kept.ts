// The names under which the tab keeps what belongs to one tier (sessionStorage).

// tokenKey is that of the token.
export const tokenKey = (tier: string): string => `gengtu.token.${tier}`;

// returnKey is that of the page's address, while its user is at an issuer.
export const returnKey = (tier: string): string => `gengtu.return.${tier}`;

// greetKey is set when a token was entered: the next page says what it opens.
export const greetKey = (tier: string): string => `gengtu.greet.${tier}`;

// backTo returns the address below root that a login comes back to: the one that was
// kept, if it is a query and a fragment of this tier's page and no other place.
export function backTo(root: string, tier: string, kept: string | null): string {
  const plain = `${root}?tier=${tier}`;
  if (!kept?.startsWith('?')) return plain;
  const at = new URL(kept, root);
  return new URL(at.pathname, root).href === root && at.searchParams.get('tier') === tier && !at.searchParams.has('tk') ? at.href : plain;
}

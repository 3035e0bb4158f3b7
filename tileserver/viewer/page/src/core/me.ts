// What the user may ask here.

export type Operation = 'tiles' | 'features' | 'overlay' | 'analyses' | 'exchange';

// address is the service of the catalogue by which each kind of questions is offered.
const address: Partial<Record<Operation, string>> = { tiles: 'tilejson', features: 'places', overlay: 'overlay', analyses: 'analyses' };

let offered: Record<string, string> | null = null;

// openBy takes what the catalogue offers; the server lists no more than the user may ask.
export function openBy(services: Record<string, string>): void { offered = services; }

// may tells whether the user may ask questions of a kind. A server that offers nothing at
// all says nothing of it, and all may be asked.
export function may(operation: Operation): boolean {
  if (!offered || !Object.keys(offered).length) return true;
  const name = address[operation];
  return name !== undefined && name in offered;
}

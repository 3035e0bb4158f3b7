// The comparison's part of the address: LEFT,RIGHT,PERCENT.

// Compared is what a comparison shows: the vintages of both sides, '' the latest of each
// layer, and where the divider stands, in percent of the map's width from its left, 0 to 100.
export interface Compared { left: string; right: string; at: number }

// within keeps a place of the divider on the map, in whole percent.
export const within = (at: number): number => Math.round(Math.min(100, Math.max(0, at)));

// readCompared reads a part; null where there is none, or it has not both sides. A divider
// that is not said, or not a number, stands in the middle.
export function readCompared(text: string | null): Compared | null {
  const [left, right, at, ...rest] = (text ?? '').split(',');
  if (left === undefined || right === undefined || rest.length || left === right) return null;
  const percent = Number.parseFloat(at ?? '');
  return { left, right, at: Number.isFinite(percent) ? within(percent) : 50 };
}

// writeCompared writes a part.
export const writeCompared = (c: Compared): string => [c.left, c.right, String(c.at)].map(encodeURIComponent).join(',');

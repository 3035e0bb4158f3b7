// The arithmetic of charts: shares, axes and hatchings. Nothing here touches the page.

// shareOf returns how much of a bar's track, [0, 1], a value fills: 0 for null, for what is
// not finite and for what is below zero.
export const shareOf = (value: number | null, max: number): number => (value === null || !Number.isFinite(value) || !(max > 0) ? 0 : Math.min(1, Math.max(0, value / max)));

// largest returns the largest of values, 0 where there is none.
export const largest = (values: (number | null)[]): number => values.reduce<number>((m, v) => (v !== null && Number.isFinite(v) && v > m ? v : m), 0);

// ticks returns round values, rising by one step, that hold low and high between the first
// and the last of them; about `about` of them, never fewer than two.
export function ticks(low: number, high: number, about = 4): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const step = niceStep(span / about);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// niceStep returns the smallest of 1, 2, 2.5, 5 times a power of ten that is not below rough.
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 2.5, 5].find((m) => m * power >= rough * (1 - 1e-9)) ?? 10) * power;
}

// Box is a rectangle in pixels, y downwards.
export interface Box { x: number; y: number; width: number; height: number }

// hatchings are how many ways hatch knows, 0 being none: they tell parts apart in print.
export const hatchings = 5;

// hatch returns the path of lines inside of a box, by which its part is told apart where
// colours are not: none, rising, upright, falling, level. '' where nothing is to be drawn.
export function hatch(kind: number, box: Box, step = 6): string {
  const { x, y, width: w, height: h } = box;
  const line = (x1: number, y1: number, x2: number, y2: number) => `M${fix(x1)} ${fix(y1)}L${fix(x2)} ${fix(y2)}`;
  const out: string[] = [];
  switch (kind % hatchings) {
    case 1: // y falls as x rises: the lines x + y = c
    case 3: // the lines x − y = c
      for (let c = step; c < w + h; c += step) {
        const [from, to] = [Math.max(0, c - h), Math.min(w, c)];
        if (kind % hatchings === 1) out.push(line(x + from, y + c - from, x + to, y + c - to));
        else out.push(line(x + from, y + h - c + from, x + to, y + h - c + to));
      }
      break;
    case 2:
      for (let c = step; c < w; c += step) out.push(line(x + c, y, x + c, y + h));
      break;
    case 4:
      for (let c = step; c < h; c += step) out.push(line(x, y + c, x + w, y + c));
      break;
  }
  return out.join('');
}

// fix writes a pixel with at most two decimals, so that the same chart is the same text.
export const fix = (n: number): string => String(Number(n.toFixed(2)));

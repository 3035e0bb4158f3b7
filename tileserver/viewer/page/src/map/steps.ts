// The steps of the slider of vintages, and how a vintage is written.

// Step is one of them: the vintage that is asked for, '' the latest of each layer, and the
// period that its name says, '' where layers differ in theirs.
export interface Step { vintage: string; period: string }

// stepsOf returns the steps of an edition, the oldest first. layers are the vintages of each
// layer, the newest first; all are those of all layers, the newest first. Where the newest
// vintage of all is the newest of each, the last step stands for both; else the latest of
// each layer, which is no single year, is a step of its own at the end.
export function stepsOf(all: readonly string[], layers: readonly (readonly string[])[]): Step[] {
  const steps = [...all].reverse().map((v): Step => ({ vintage: v, period: v }));
  const newest = all[0];
  const last = steps.at(-1);
  if (!last || layers.every((own) => !own.length || own[0] === newest)) {
    if (last) last.vintage = '';
    return steps;
  }
  return [...steps, { vintage: '', period: '' }];
}

// stepAt returns the index of the step of a vintage as an address may ask for it, -1 where
// there is none.
export function stepAt(steps: readonly Step[], vintage: string): number {
  const at = steps.findIndex((s) => s.vintage === vintage);
  return at >= 0 ? at : steps.findIndex((s) => s.period === vintage);
}

// ticksOf returns the indices of n steps that are named under the slider: all of them, or
// the first and the last where there is no room for more than most.
export function ticksOf(n: number, most: number): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  return [0, n - 1];
}

// pairAt returns the two steps that a comparison begins with when at is shown: it and the
// nearest before it that differs from it, or else the nearest after it. Where none differs it
// is the step beside it; null below two steps.
export function pairAt(steps: readonly Step[], at: number, differ: (a: Step, b: Step) => boolean): { left: Step; right: Step } | null {
  const shown = steps[at];
  if (!shown || steps.length < 2) return null;
  const before = steps.slice(0, at).reverse();
  const after = steps.slice(at + 1);
  const [earlier, later] = [before, after].map((list) => list.find((s) => differ(s, shown)));
  if (earlier) return { left: earlier, right: shown };
  if (later) return { left: shown, right: later };
  const beside = before[0];
  return beside ? { left: beside, right: shown } : { left: shown, right: after[0] ?? shown };
}

// drawnIn is the vintage of a layer, which has own, the newest first, that is drawn where of
// is asked for; undefined where it lacks that.
export const drawnIn = (own: readonly string[], of: string): string | undefined => (of === '' ? own[0] : own.find((v) => v === of));

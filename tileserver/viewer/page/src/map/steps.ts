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

// neighbours returns the two steps that a comparison begins with when at is shown: the one
// before it and itself, or, at the oldest, itself and the newest. Null below two steps.
export function neighbours(steps: readonly Step[], at: number): { left: Step; right: Step } | null {
  const left = steps[at > 0 ? at - 1 : 0];
  const right = at > 0 ? steps[at] : steps.at(-1);
  return left && right && left !== right ? { left, right } : null;
}

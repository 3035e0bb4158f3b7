// Times as the edition's room writes them: by the reader's own clock and zone, 2026-05-01 08:30.

const two = (n: number): string => String(n).padStart(2, '0');

// moment writes a time, in milliseconds, to the minute; '' where there is none.
export function moment(ms: number): string {
  if (!Number.isFinite(ms)) return '';
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

// warnBeforeMs is how long before its end a token's user is told: five minutes, or a fifth
// of what is left of a shorter one.
export const warnBeforeMs = (leftMs: number): number => Math.min(5 * 60_000, leftMs / 5);

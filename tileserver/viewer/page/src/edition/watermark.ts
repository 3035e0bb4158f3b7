// The watermark: who looks, and when, over the map and all panels, in the printout and on
// any picture of the screen. It lets clicks through, and comes back when it is taken away
// or changed. Whoever rules the browser can be rid of it: it reminds, and tells where a
// picture comes from; it keeps nobody out.

import { tier } from '../core/api';
import { h, svg } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { me, nowMs, type Me } from '../core/me';
import { moment } from './time';

// stepW and stepH are how far apart repetitions stand, in CSS pixels; each second row is
// moved by half.
const stepW = 280;
const stepH = 120;

// sheet is the longest side of a sheet of A3 in CSS pixels: a printout is larger than some screens.
const sheet = 1600;

// everyMs is how often the time is looked at; it is written to the minute.
const everyMs = 10_000;

// watermarkLines are the two lines of the watermark: who, and when, in milliseconds.
export const watermarkLines = (who: Me, ms: number, edition: string): [string, string] => [`${edition} ${who.name ?? who.address ?? t('me.nobody')}`, moment(ms)];

let drawn: HTMLElement | null = null;

// showWatermark shows it from now on, of who me() is; nothing where the edition has none.
export function showWatermark(): void {
  const who = me();
  if (!who?.watermark || drawn) return;
  const lines = () => watermarkLines(who, nowMs(), t(`tier.${tier}.short`));
  const watch = new MutationObserver(() => draw());
  const draw = () => {
    watch.disconnect();
    const next = mark(lines());
    drawn?.remove();
    document.body.append(next);
    drawn = next;
    watch.observe(document.body, { childList: true, attributes: true });
    watch.observe(next, { childList: true, attributes: true, characterData: true, subtree: true });
  };
  draw();
  onLang(draw);
  setInterval(() => { if (drawn?.dataset.text !== lines().join('\n')) draw(); }, everyMs);
  addEventListener('beforeprint', draw);
  addEventListener('resize', draw);
}

// mark is the element, which covers the window. Each repetition is text at a place of its
// own: a pattern is no text in a printout, and what is moved by a transform alone stands
// in one heap there.
function mark(lines: readonly [string, string]): HTMLElement {
  const [width, height] = [Math.max(innerWidth, screen.width, sheet), Math.max(innerHeight, screen.height, sheet)];
  const all: SVGElement[] = [];
  for (let row = 0; row * stepH < height; row++) {
    for (let x = row % 2 ? 0 : stepW / 2; x < width; x += stepW) {
      const y = (row + 0.5) * stepH;
      lines.forEach((line, i) => all.push(svg('text', { x, y: y + 19 * i - 4, 'text-anchor': 'middle', transform: `rotate(-20 ${x} ${y})` }, line)));
    }
  }
  const box = h('div', { class: 'watermark', 'aria-hidden': 'true', 'data-testid': 'watermark' },
    svg('svg', { width: '100%', height: '100%' }, ...all));
  box.dataset.text = lines.join('\n');
  return box;
}

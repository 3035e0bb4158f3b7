// The watermark: who looks, and when, over the map and all panels, in the printout and on
// any picture of the screen. It lets clicks through, and comes back when it is taken away
// or changed. Whoever rules the browser can be rid of it: it reminds, and tells where a
// picture comes from; it keeps nobody out.

import { tier } from '../core/api';
import { h, svg } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { me, nowMs, type Me } from '../core/me';
import { moment } from './time';

// tileW and tileH are the size of one repetition, in CSS pixels.
const tileW = 280;
const tileH = 240;

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

// mark is the element, which covers the window.
function mark(lines: readonly [string, string]): HTMLElement {
  const text = (line: string, y: number) => svg('text', { x: tileW / 2, y, 'text-anchor': 'middle' }, line);
  const one = (dx: number, dy: number) => svg('g', { transform: `translate(${dx} ${dy}) rotate(-20 ${tileW / 2} ${tileH / 4})` }, text(lines[0], tileH / 4 - 4), text(lines[1], tileH / 4 + 15));
  // Each is text of its own, none a pattern's: those are no text in a printout.
  const [w, height] = [Math.max(innerWidth, screen.width), Math.max(innerHeight, screen.height)];
  const all: SVGElement[] = [];
  for (let row = 0; row * (tileH / 2) < height; row++) {
    for (let x = row % 2 ? -tileW / 2 : 0; x < w; x += tileW) all.push(one(x, (row * tileH) / 2));
  }
  const box = h('div', { class: 'watermark', 'aria-hidden': 'true', 'data-testid': 'watermark' },
    svg('svg', { width: '100%', height: '100%' }, ...all));
  box.dataset.text = lines.join('\n');
  return box;
}

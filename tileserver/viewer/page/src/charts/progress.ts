// How much of a target is reached: one bar, and words.

import { h, svg } from '../core/dom';
import { area, percent } from '../core/format';
import { t } from '../core/i18n';
import { chartBox, drawing } from './box';
import { fix, hatch, shareOf } from './scale';

export interface ProgressOptions { unit: string; label: string; year?: string; format?: (value: number) => string }

// progress returns the bar of a value beside its target, which are of one unit and one kind
// of area; what is left is said in words. A value above the target fills the bar.
export function progress(value: number, target: number, { unit, label, year, format = area }: ProgressOptions): HTMLElement {
  const share = shareOf(value, target);
  const name = t('chart.progress', { label, value: format(value), target: format(target), unit, p: percent(value, target) });
  const draw = (width: number) => drawing(width, 22, name, false,
    svg('rect', { width, height: 22, rx: 4, class: 'bar-room' }),
    svg('path', { d: hatch(1, { x: share * width, y: 0, width: width * (1 - share), height: 22 }, 8), class: 'progress-left' }),
    svg('rect', { width: fix(share * width), height: 22, rx: 4, class: 'bar-fill' }));
  return chartBox('progress', draw, h('figcaption', { class: 'progress-words' },
    h('strong', null, t('chart.done', { p: percent(value, target) })),
    h('span', null, value >= target ? t('chart.reached') : t('chart.left', { n: format(target - value), unit }), year && ` · ${year}`)));
}

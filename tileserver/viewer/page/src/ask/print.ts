// What a sheet says of the answers that are on it.

import { tier } from '../core/api';
import { formulaText } from '../core/format';
import { t } from '../core/i18n';
import type { Key } from '../core/words';
import type { Figures } from '../print/origin';
import { printable } from '../print/print';
import type { Answer } from './answer';
import { vintagesOf } from './tables';

// printedOf makes an element that shows answers what is printed of its card.
export const printedOf = <E extends Element>(el: E, title: Key, answers: Answer[]): E => printable(el, {
  title: () => t(title, { tier: t(`tier.${tier}`) }), figures: () => figuresOf(answers),
});

// figuresOf is what answers say of themselves.
function figuresOf(answers: Answer[]): Figures {
  const all = (of: (a: Answer) => string | undefined) => [...new Set(answers.map(of).filter(Boolean))].join(', ');
  return { generation: all((a) => a.generation), vintage: vintagesOf(answers), formula: all((a) => formulaText(a.formula)), program: all((a) => a.program) };
}

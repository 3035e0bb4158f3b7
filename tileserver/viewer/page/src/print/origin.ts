// What a printed page says below its figures: of which edition, generation and vintage they
// are, its approval number or that there is none, what it may be used for, and when it was
// printed.

import { tier } from '../core/api';
import type { Catalog } from '../core/catalog';
import { h } from '../core/dom';
import { pick, t } from '../core/i18n';
import type { Key } from '../core/words';
import { moment } from '../edition/time';

// Figures is what is known of the figures of a page; what is '' is left out.
export interface Figures { generation: string; vintage: string; formula: string; program: string }

// origin is the list. An approval number and a disclaimer are always told of.
export function origin(catalog: Catalog, of: Figures): HTMLElement {
  const facts: [Key, string][] = [
    ['print.edition', t(`tier.${tier}`)], ['print.approval', pick(catalog.approval) || t('edition.approval.none')], ['print.disclaimer', pick(catalog.disclaimer)], ['print.use', pick(catalog.use)],
    ['print.vintage', of.vintage], ['print.generation', of.generation], ['print.formula', of.formula], ['print.program', of.program], ['print.time', moment(Date.now())],
  ];
  return h('dl', { class: 'print-origin', 'data-testid': 'print-origin' }, facts.filter(([, text]) => text).map(([key, text]) => [h('dt', null, t(key)), h('dd', null, text)]));
}

// The fields of a question's parameters, and of what every question is bounded by.

import { pick, t } from '../core/i18n';
import type { Parameter } from '../jobs/answers';
import type { Desk } from './desk';
import { check, choice, field, select, several, type Filled } from './fields';

const levels = ['group', 'village', 'township', 'county', 'prefecture'] as const;

// level is the field of the level of places.
export const level = (filled: Filled): HTMLElement => select('by', t('analyses.by'), levels.map((name) => choice(name, t(`analyses.by.${name}`))), filled);

// place is the field of the place that bounds a question.
export const place = (filled: Filled): HTMLElement => field('place', t('analyses.place'), { inputMode: 'numeric', pattern: '[0-9]{2,14}', maxLength: 14 }, filled);

// parameter is the field of one parameter, by what it takes.
export function parameter(desk: Desk, p: Parameter, filled: Filled): HTMLElement {
  const name = `p.${p.name}`;
  const title = pick(p.title) || p.name;
  const hint = pick(p.about);
  const { catalog } = desk.app;
  switch (p.takes) {
    case 'choice': return select(name, title, p.choices ?? [], filled);
    case 'choices': return several(name, title, p.choices ?? [], filled);
    case 'truth': return check(name, title, filled);
    case 'layer': return select(name, title, catalog.layers.filter((l) => !l.name.startsWith('a-') && l.name !== 'region').map((l) => choice(l.name, pick(l.title))), filled);
    case 'vintage': return select(name, title, [choice('', t('analyses.default')), ...catalog.vintages.map((v) => choice(v, v))], filled);
    case 'number': return field(name, title, { inputMode: 'decimal', pattern: '[0-9]*[.]?[0-9]*' }, filled, p.unit, hint);
    case 'numbers': return field(name, title, { inputMode: 'decimal', pattern: '[0-9., ]*', placeholder: t('analyses.default') }, filled, p.unit, hint);
    default: return field(name, title, { placeholder: p.takes === 'codes' ? t('analyses.list.hint') : '' }, filled, '', hint);
  }
}

// The form of a reconciliation (对账): why the figure of one side is not that of the other.
// A side is a layer of a vintage, a table of reported figures, or an answer that is kept.

import { h } from '../core/dom';
import { pick, t } from '../core/i18n';
import { json, type Job, type List, type Question } from '../jobs/answers';
import type { Desk } from './desk';
import { when } from './facts';
import { choice, field, lines, select, type Filled } from './fields';
import { level, parameter, place } from './parameters';

const sides = ['a', 'b'] as const;
type Side = (typeof sides)[number];

// Own is a form that asks its question in a way of its own.
export interface Own { fields(): HTMLElement[]; send(): Promise<Job> }

// createReconcile is the part of the form that is the question's own.
export function createReconcile(desk: Desk, question: Question, list: List, filled: Filled): Own {
  const layers = desk.app.catalog.layers.filter((l) => !l.name.startsWith('a-') && l.name !== 'region' && l.vintages.length);
  const done = list.jobs.filter((j) => j.state === 'done' && j.question !== 'reconcile');
  const first = layers.find((l) => l.vintages.length > 1) ?? layers[0];
  const vintages = first?.vintages ?? [];
  for (const [side, vintage] of [['a', vintages[1] ?? vintages[0]], ['b', vintages[0]]] as const) fill(filled, side, `${first?.name ?? ''}@${vintage ?? ''}`);
  const operand = (side: Side): HTMLElement => {
    const box = h('fieldset', { class: 'analyses-operand', 'data-testid': `analyses-operand-${side}` });
    const draw = () => {
      const kind = filled.get(`${side}.kind`);
      box.replaceChildren(h('legend', null, t(`analyses.reconcile.${side}`)),
        select(`${side}.kind`, t('analyses.reconcile.kind'), (['layer', 'figures', ...(done.length ? ['answer'] as const : [])] as const).map((k) => choice(k, t(`analyses.reconcile.kind.${k}`))), filled, draw),
        ...(kind === 'figures' ? [lines(`${side}.figures`, t('analyses.reconcile.figures'), filled)] : kind === 'answer' ? [
          select(`${side}.answer`, t('analyses.reconcile.answer'), done.map((j) => choice(j.id, `${pick(j.title)} · ${when(j.asked)}`)), filled),
          field(`${side}.column`, t('analyses.reconcile.column'), {}, filled)] : [
          select(`${side}.layer`, t('analyses.reconcile.layer'), layers.flatMap((l) => l.vintages.map((v) => choice(`${l.name}@${v}`, `${pick(l.title)} ${v}`))), filled),
          field(`${side}.class`, t('analyses.reconcile.class'), { maxLength: 10 }, filled)]));
    };
    draw();
    return box;
  };
  return {
    fields: () => [h('div', { class: 'analyses-operands' }, sides.map(operand)), level(filled), place(filled),
      ...question.parameters.filter((p) => !sides.includes(p.name as Side)).map((p) => (p.name === 'figure'
        ? select('p.figure', pick(p.title), [choice('', t('analyses.default')), ...(p.choices ?? [])], filled) : parameter(desk, p, filled)))],
    send: () => json<Job>('reconcile', { method: 'POST', body: JSON.stringify(bodyOf(filled)), headers: { 'Content-Type': 'application/json' } }),
  };
}

// fill begins the fields of a side, where nothing is in them.
function fill(filled: Filled, side: Side, layer: string): void {
  const asked = filled.get(`p.${side}`) ?? '';
  const [at, cls] = asked.includes('@') && !asked.startsWith('figures:') ? asked.split(':') : [layer, ''];
  for (const [name, value] of [['kind', 'layer'], ['layer', at], ['class', cls]] as const) if (!filled.get(`${side}.${name}`)) filled.set(`${side}.${name}`, value ?? '');
}

// bodyOf is what is posted, by the members of POST reconcile.
export function bodyOf(filled: Filled): Record<string, unknown> {
  const said = (name: string) => filled.get(name)?.trim() ?? '';
  const operand = (side: Side): unknown => {
    if (said(`${side}.kind`) === 'figures') return { figures: said(`${side}.figures`) };
    if (said(`${side}.kind`) === 'answer') return { answer: said(`${side}.answer`), ...(said(`${side}.column`) ? { column: said(`${side}.column`) } : {}) };
    return said(`${side}.layer`) + (said(`${side}.class`) ? `:${said(`${side}.class`)}` : '');
  };
  const body: Record<string, unknown> = { a: operand('a'), b: operand('b') };
  for (const name of ['by', 'place']) if (said(name)) body[name] = said(name);
  for (const name of ['figure', 'lines']) if (said(`p.${name}`)) body[name] = said(`p.${name}`);
  if (said('p.width')) body.width = Number(said('p.width'));
  if (said('p.shapes') === 'true') body.shapes = true;
  return body;
}

// The form of a question, made of what the server says of its parameters.

import { asProblem, vintage } from '../core/api';
import { h } from '../core/dom';
import { pick, t } from '../core/i18n';
import { start, type Ask, type Job, type List, type Question } from '../jobs/answers';
import { remember } from '../jobs/own';
import { problemBox } from '../shell/messages';
import { backButton, type Desk, type Face } from './desk';
import { choice, select, type Filled } from './fields';
import { lacks, needs } from './home';
import { level, parameter, place } from './parameters';
import { createReconcile } from './reconcile';
import { createShapes, type Shapes } from './shapes';

// createForm shows the form of a question, filled as a job before was asked.
export function createForm(desk: Desk, question: Question, list: List, before?: Ask): Face {
  const filled = filledAs(question, before ?? { question: question.name, vintage: vintage() });
  const shapes = question.needs_shapes ? createShapes(desk.app) : null;
  const own = question.name === 'reconcile' ? createReconcile(desk, question, list, filled) : null;
  const state = { sending: false, problem: null as unknown };
  const face: Face = { render };
  const submit = async () => {
    [state.sending, state.problem] = [true, null];
    desk.again(face);
    try {
      const job = await (own ? own.send() : send(question, filled, shapes));
      remember(job.id); // also where the form has been left meanwhile
      if (state.sending) desk.open(job);
    } catch (thrown) {
      [state.sending, state.problem] = [false, thrown];
      desk.again(face);
    }
  };
  face.shut = () => { state.sending = false; };
  return face;

  function render(): HTMLElement {
    const { catalog } = desk.app;
    return h('form', { class: 'analyses-form', 'data-testid': 'analyses-form', onsubmit: (e: SubmitEvent) => { e.preventDefault(); void submit(); } },
      backButton(desk), h('h2', null, pick(question.title)),
      h('p', { class: 'note' }, [needs(catalog, question), lacks(catalog, question)].filter(Boolean).join(' · ')),
      h('details', { class: 'analyses-about' }, h('summary', null, t('analyses.about')), h('p', null, pick(question.about))),
      shapes?.render(() => desk.again(face)),
      own ? own.fields() : common(desk, question, filled), own ? '' : question.parameters.map((p) => parameter(desk, p, filled)),
      state.problem ? problemBox(asProblem(state.problem)) : '',
      h('div', { class: 'analyses-buttons' }, h('button', { type: 'submit', class: 'strong', disabled: state.sending, 'data-testid': 'analyses-start' }, t(state.sending ? 'analyses.starting' : 'analyses.start'))));
  }
}

// filledAs is what the form of a question holds at first, as a job was asked: a job that names
// no vintage is of the latest, whatever the page shows now.
export const filledAs = (question: Question, { by = 'village', place = '', vintage: of = '', from = '', parameters = {} }: Ask): Filled => new Map([
  ['by', by], ['place', place], ['vintage', of], ['from', from],
  ...question.parameters.map((p): [string, string] => [`p.${p.name}`, parameters[p.name] ?? p.default ?? '']),
]);

// send asks a question as its form is filled; what says nothing is left out.
function send(question: Question, filled: Filled, shapes: Shapes | null): Promise<Job> {
  const said = (name: string) => filled.get(name)?.trim() || undefined;
  const parameters = Object.fromEntries(question.parameters.flatMap((p) => {
    const value = said(`p.${p.name}`);
    return value === undefined || value === p.default ? [] : [[p.name, value]];
  }));
  const ask: Ask = {
    question: question.name, ...only({ by: question.needs_shapes ? undefined : said('by'), place: said('place'), vintage: said('vintage'), from: question.between ? said('from') : undefined }),
    ...(Object.keys(parameters).length ? { parameters } : {}),
  };
  if (!shapes) return start(ask);
  const sent = shapes.value();
  if ('shapes' in sent) return start({ ...ask, shapes: sent.shapes, ...(sent.crs ? { crs: sent.crs } : {}) });
  const query = new URLSearchParams({ question: ask.question, ...(ask.place ? { place: ask.place } : {}), ...(ask.vintage ? { vintage: ask.vintage } : {}) });
  return start(sent, `?${query.toString()}`);
}

// only returns the members that say something.
const only = (members: Record<string, string | undefined>): Partial<Ask> => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

// common are the fields that all questions have: level, place, vintages.
function common(desk: Desk, question: Question, filled: Filled): HTMLElement[] {
  const { vintages } = desk.app.catalog;
  const out = question.needs_shapes ? [] : [level(filled), place(filled)];
  if (vintages.length > 1) out.push(select('vintage', t('analyses.vintage'), [choice('', t('analyses.vintage.latest')), ...vintages.map((v) => choice(v, v))], filled));
  if (question.between) out.push(select('from', t('analyses.from'), [choice('', t('analyses.from.before')), ...vintages.map((v) => choice(v, v))], filled));
  return out;
}

// The slider of vintages at the foot of the map, and what follows when another is shown.

import { asProblem, onVintage, setVintage, vintage } from '../core/api';
import type { Catalog } from '../core/catalog';
import { $, h, icon } from '../core/dom';
import { label, onLang, t } from '../core/i18n';
import { linkPart, writeLink } from '../core/link';
import { toast, toastGone } from '../shell/messages';
import type { LayerCard } from './card';
import type { Drawn } from './drawn';
import { stepAt, stepsOf, ticksOf, type Step } from './steps';
import { yearText } from './year';

// restMs is how long the slider must rest before its vintage is asked for.
const restMs = 150;

// ticksMost is how many vintages are named under the slider.
const ticksMost = 8;

// steps returns the steps of the slider of an edition.
export const steps = (catalog: Catalog): Step[] => stepsOf(catalog.vintages, catalog.layers.map((l) => l.vintages));

// stepText is how a step is called.
export const stepText = (step: Step): string => yearText(step.period);

// chooseVintage shows the vintage that an address asks for; one that the edition does not
// have is named, and the latest shown.
export function chooseVintage(catalog: Catalog, asked: string): void {
  const list = steps(catalog);
  const step = list[stepAt(list, asked)];
  if (asked && !step) toastGone(t('vintage.none', { vintage: asked, there: catalog.vintages.join(' ') }));
  setVintage(step?.vintage ?? '');
}

// createVintage puts the slider at the foot of the map, where there is more than one vintage,
// before the map is there: what the map shows first leaves room for it. The function that it
// returns wires it, and lets the map, the card and the address follow the page's vintage.
export function createVintage(catalog: Catalog): (drawn: Drawn, card: LayerCard) => void {
  const list = steps(catalog);
  const bar = list.length > 1 ? createBar(list) : null;
  $('vintage').inert = true;
  return (drawn, card) => { $('vintage').inert = false; follow(catalog, list, bar, { drawn, card }); };
}

function follow(catalog: Catalog, list: Step[], bar: Bar | null, { drawn, card }: { drawn: Drawn; card: LayerCard }): void {
  const name = (of: string) => { const step = list[stepAt(list, of)]; return step ? stepText(step) : yearText(of); };
  const turn = async (next: string) => {
    const before = drawn.vintage();
    try {
      bar?.busy(true);
      await drawn.show(next);
    } catch (thrown) {
      toast(`${t('vintage.failed', { vintage: name(next), shown: name(before) })} ${asProblem(thrown).words()}`);
      setVintage(before);
    } finally {
      if (vintage() === next) bar?.busy(false);
    }
  };
  onVintage((next) => {
    bar?.sync();
    card.years([next]);
    writeLink();
    void turn(next);
  });
  linkPart({ key: 'vintage', write: () => (vintage() ? encodeURIComponent(vintage()) : null), read: (text) => chooseVintage(catalog, text ?? '') });
}

// Bar is the slider: sync shows the page's vintage in it, busy that the map is not there yet.
interface Bar { sync: () => void; busy: (on: boolean) => void }

function createBar(list: Step[]): Bar {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slider: HTMLInputElement = h('input', {
    type: 'range', min: '0', max: String(list.length - 1), step: '1', 'data-testid': 'vintage-slider',
    oninput: () => { say(); clearTimeout(timer); timer = setTimeout(take, restMs); },
    onchange: () => { clearTimeout(timer); take(); },
  });
  const value = h('output', { class: 'vintage-value', 'data-testid': 'vintage-value' });
  const wheel = h('span', { class: 'spinner small', 'aria-hidden': 'true', hidden: true });
  const ticks = h('div', { class: 'vintage-ticks', 'aria-hidden': 'true' });
  const step = (by: number, drawing: string) => h('button', { type: 'button', class: 'tiny', 'data-testid': by < 0 ? 'vintage-before' : 'vintage-after', onclick: () => go(Number(slider.value) + by) }, icon(drawing));
  const [before, after] = [step(-1, 'm14 7-5 5 5 5'), step(1, 'm10 7 5 5-5 5')];

  const take = () => setVintage(list[Number(slider.value)]?.vintage ?? '');
  const say = () => {
    const at = Number(slider.value);
    const text = list[at] ? stepText(list[at]) : '';
    value.textContent = text;
    slider.setAttribute('aria-valuetext', text);
    before.disabled = at === 0;
    after.disabled = at === list.length - 1;
  };
  const go = (at: number) => { slider.value = String(at); say(); take(); };
  const sync = () => { slider.value = String(Math.max(0, stepAt(list, vintage()))); say(); };

  for (const i of ticksOf(list.length, ticksMost)) ticks.append(h('span', { style: { '--at': String(i / (list.length - 1)) } }));
  $('vintage').append(h('span', { class: 'vintage-head' }, value, wheel), before, h('div', { class: 'vintage-track' }, slider, ticks), after);
  $('vintage').hidden = false;
  onLang(() => {
    label($('vintage'), t('vintage.title'));
    label(slider, t('vintage.title'));
    label(before, t('vintage.before'));
    label(after, t('vintage.after'));
    [...ticks.children].forEach((tick, k) => { const s = list[ticksOf(list.length, ticksMost)[k] ?? 0]; tick.textContent = s ? s.period || t('vintage.latest') : ''; });
    sync();
  });
  return { sync, busy: (on) => { wheel.hidden = !on; $('vintage').setAttribute('aria-busy', String(on)); } };
}

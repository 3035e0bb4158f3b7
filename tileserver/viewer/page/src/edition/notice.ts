// What the page always says of the edition: which it is, approval number or that there is
// none, vintage, generation, and what it may be used for. What does not fit into a line goes
// on below it; a click shows what else is known of the edition.

import type { Map as GLMap } from 'maplibre-gl';
import { yearText } from '../map/year';
import { onVintage, tier, vintage } from '../core/api';
import type { Catalog } from '../core/catalog';
import { $, h, icon, type Child } from '../core/dom';
import { joined, onLang, pick, t } from '../core/i18n';
import { baseId } from '../map/base';
import { attributions } from '../map/map';
import { copyText } from '../shell/messages';
import { createPanel, facts } from '../shell/panel';
import { moment } from './time';

// Said is what is said of the edition, in the page's language.
export interface Said { approval: string; use: string[]; base: string; vintage: string; generation: string }

// createNotice fills the line, before there is a map. It returns {again}, which writes anew who is named there,
// with what the style of a map says, too.
export function createNotice(catalog: Catalog): { again: (map?: GLMap) => void } {
  let map: GLMap | null = null;
  const button = h('button', { type: 'button', class: 'edition-line', 'data-testid': 'notice-open' });
  $('notice').replaceChildren(button);
  const panel = createPanel(button, 'edition-panel', 'edition.title', () => details(catalog, saidOf(map, catalog)));
  const again = (of?: GLMap) => {
    map = of ?? map;
    const said = saidOf(map, catalog);
    button.replaceChildren(...line(said));
    button.title = t('edition.open');
    panel.again();
  };
  onLang(() => again());
  onVintage(() => again());
  return { again };
}

function saidOf(map: GLMap | null, catalog: Catalog): Said {
  const style = map ? attributions(map) : { approval: '', parts: [] };
  const approval = pick(catalog.approval) || style.approval;
  // A style's attribution repeats what the catalogue says, where that says it.
  const own = [pick(catalog.disclaimer), pick(catalog.use)].filter(Boolean);
  const source = map?.getStyle().sources[baseId];
  return {
    approval, use: [...new Set(own.length ? own : style.parts.filter((p) => p !== approval))],
    base: (source && 'attribution' in source && source.attribution) || '',
    vintage: vintage() || (catalog.vintages[0] ?? ''), generation: catalog.generation,
  };
}

// line is what stands at the foot, the most needed first.
function line(said: Said): Element[] {
  const part = (name: string, text: Child) => (text ? [h('span', { class: `notice-${name}`, 'data-testid': name }, text)] : []);
  return [
    h('span', { class: 'notice-tier' }, t(`tier.${tier}.short`)),
    ...part('approval', said.approval ? t('notice.approval', { number: said.approval }) : t('notice.approval.none')),
    ...part('vintage', said.vintage && yearText(said.vintage)),
    ...part('generation', said.generation && [h('span', { class: 'notice-word' }, t('notice.generation')), said.generation.slice(0, 8)]),
    icon('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01'),
    ...part('use', [...said.use, said.base].filter(Boolean).join(' · ')),
  ];
}

// details are all that is known of the edition.
function details(catalog: Catalog, said: Said): Child {
  const { created, formula, policy, program } = catalog;
  const copied = (text: string, testid: string): Child => text && [h('code', { class: 'whole', 'data-testid': testid }, text), ' ',
    h('button', { type: 'button', class: 'small', onclick: () => void copyText(text) }, t('edition.copy'))];
  return facts([
    [t('tier.label'), h('strong', { class: 'tier-words' }, t(`tier.${tier}`))],
    [t('edition.approval'), said.approval || t('edition.approval.none')],
    [t('edition.use'), said.use.map((text) => h('p', null, text))],
    [t('base.title'), said.base],
    [t('edition.vintage'), said.vintage && [said.vintage, catalog.vintages.length > 1 ? h('small', null, t('edition.vintages', { all: joined(catalog.vintages) })) : '']],
    [t('edition.generation'), copied(said.generation, 'generation-whole')],
    [t('edition.created'), created ? moment(Date.parse(created)) : ''],
    [t('edition.policy'), policy ? [h('p', null, policy.name), copied(policy.digest, 'policy-digest')] : ''],
    [t('edition.formula'), formula],
    [t('edition.program'), program],
  ]);
}

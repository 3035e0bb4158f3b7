// What the page always says of the edition: approval number or that there is none, what it
// may be used for, vintage and generation. On a narrow screen a line of it, and all of it
// when it is touched.

import type { Map as GLMap } from 'maplibre-gl';
import type { Catalog } from '../core/catalog';
import { $, h } from '../core/dom';
import { onLang, pick, t } from '../core/i18n';
import { baseId } from '../map/base';
import { attributions } from '../map/map';

// createNotice fills the line. It returns {again}, which writes anew who is named there.
export function createNotice(map: GLMap, catalog: Catalog): { again: () => void } {
  const again = () => {
    const style = attributions(map);
    const approval = pick(catalog.approval) || style.approval;
    // A style's attribution repeats what the catalogue says, where that says it.
    const own = [pick(catalog.disclaimer), pick(catalog.use)].filter(Boolean);
    const others = own.length ? own : style.parts.filter((p) => p !== approval);
    const source = map.getStyle().sources[baseId];
    const base = source && 'attribution' in source ? source.attribution : '';
    const parts = [...(approval ? [t('notice.approval', { number: approval })] : []), ...new Set([...others, ...(base ? [base] : [])])];
    $('notice').replaceChildren(
      ...parts.map((p) => h('span', null, p)),
      ...(catalog.generation ? [h('span', { class: 'generation', title: catalog.generation, 'data-testid': 'generation' }, t('notice.generation', { generation: catalog.generation.slice(0, 12) }))] : []));
    $('notice').title = parts.join(' ');
  };
  onLang(again);
  return { again };
}

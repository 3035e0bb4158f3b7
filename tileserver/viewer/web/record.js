// What the catalogue says of a layer beside what is drawn: its data class, grade,
// source, update cycle, who answers for it and on which conditions it is shared.

import { h } from './dom.js';
import { t } from './i18n.js';

// recordBox returns a fold with what is said of a layer, or null where nothing is.
export function recordBox(layer) {
  const r = layer.record;
  if (!r) return null;
  const contact = [r.contact?.organisation, r.contact?.phone, r.contact?.email, r.contact?.address];
  const rows = [
    ['class', [r.group, r.theme, r.class]],
    ['net', [r.net && t(`tier.${r.net}`)]],
    ['grade', [r.grade && t(`grade.${r.grade}`), !r.confirmed && t('record.unconfirmed')]],
    ['source', [r.source]],
    ['update', [r.update && t(`update.${r.update.toLowerCase()}`)]],
    ['department', [r.department]],
    ['use', [r.use]],
    ['contact', contact],
  ].map(([name, parts]) => [name, parts.filter(Boolean).join(name === 'class' ? ' › ' : ' ')]).filter(([, text]) => text);
  return h('details', { class: 'record', 'data-testid': `record-${layer.name}` },
    h('summary', null, t('record.title')),
    h('dl', null, ...rows.flatMap(([name, text]) => [h('dt', null, t(`record.${name}`)), h('dd', null, text)])));
}

// What the catalogue says of a layer beside what is drawn: its picture, data class,
// grade, source, update cycle, who answers for it, on which conditions it is shared and
// at which addresses it is had.

import { authorize, getBlob } from '../core/api';
import { h } from '../core/dom';
import { toast } from '../shell/messages';
import { t } from '../core/i18n';

// joints stand between the parts of a row; a space where none is named.
const joints = { class: ' › ', contact: '\n' };

// links are the services that a person can open, in order.
const links = ['metadata', 'tilejson', 'wmts_c', 'wmts_w'];

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
  ].map(([name, parts]) => [name, parts.filter(Boolean).join(joints[name] ?? ' ')]).filter(([, text]) => text);
  const served = links.filter((name) => layer.services?.[name]);
  const list = h('dl', null, ...rows.flatMap(([name, text]) => [h('dt', null, t(`record.${name}`)), h('dd', null, text)]),
    served.length > 0 && [h('dt', null, t('record.services')), h('dd', { class: 'record-links' }, ...served.map((name) => link(layer, name)))]);
  const box = h('details', { class: 'record', 'data-testid': `record-${layer.name}` }, h('summary', null, t('record.title')), list);
  if (layer.thumbnail) box.addEventListener('toggle', () => picture(box, layer), { once: true });
  return box;
}

// picture shows the layer's picture once the fold is opened; where it cannot be had
// nothing is missing.
async function picture(box, layer) {
  try {
    const image = h('img', { class: 'record-picture', alt: '', src: URL.createObjectURL(await getBlob(layer.thumbnail)) });
    image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true });
    box.querySelector('summary').after(image);
  } catch {
    // The rows say what there is.
  }
}

// link opens a service. Where the token must go with the request, which an address
// does not take along, the answer is saved as a file.
function link(layer, name) {
  const url = layer.services[name];
  return h('a', {
    href: url, target: '_blank', rel: 'noopener',
    async onclick(event) {
      if (!authorize(url).Authorization) return;
      event.preventDefault();
      try {
        const file = URL.createObjectURL(await getBlob(url));
        h('a', { href: file, download: `${layer.name}-${name}.${name === 'tilejson' ? 'json' : 'xml'}` }).click();
        setTimeout(() => URL.revokeObjectURL(file), 10000);
      } catch (problem) {
        toast(problem.words());
      }
    },
  }, t(`service.${name.replace('_', '.')}`));
}

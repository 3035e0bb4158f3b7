// What the catalogue says of a layer beside what is drawn: its picture, data class,
// grade, source, update cycle, who answers for it, on which conditions it is shared and
// at which addresses it is had.

import { asProblem, authorize, getBlob, tiers } from '../core/api';
import type { Layer, LayerRecord } from '../core/catalog';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import { toastProblem } from '../shell/messages';

// links are the services that a person can open, in order.
const links = ['metadata', 'tilejson', 'wmts_c', 'wmts_w'] as const;

type Service = (typeof links)[number];
type Row = 'class' | 'net' | 'grade' | 'source' | 'update' | 'department' | 'use' | 'contact';

// known writes a code by the words that the page has for it, or as it is.
function known<T extends string>(code: string | undefined, codes: readonly T[], say: (c: T) => string): string {
  const found = codes.find((c) => c === code?.toLowerCase());
  return found ? say(found) : code ?? '';
}

const gradeCodes = ['general', 'important', 'core'] as const;
const updateCodes = ['continual', 'daily', 'weekly', 'fortnightly', 'monthly', 'quarterly', 'biannually', 'annually', 'asneeded', 'irregular', 'notplanned', 'unknown'] as const;

// rowsOf are the rows of which something is said.
function rowsOf(r: LayerRecord): [Row, string][] {
  const join = (parts: (string | false | undefined)[], joint = ' ') => parts.filter(Boolean).join(joint);
  const rows: [Row, string][] = [
    ['class', join([r.group, r.theme, r.class], ' › ')],
    ['net', known(r.net, tiers, (c) => t(`tier.${c}`))],
    ['grade', join([known(r.grade, gradeCodes, (c) => t(`grade.${c}`)), r.grade !== undefined && r.confirmed !== true && t('record.unconfirmed')])],
    ['source', r.source ?? ''],
    ['update', known(r.update, updateCodes, (c) => t(`update.${c}`))],
    ['department', r.department ?? ''],
    ['use', r.use ?? ''],
    ['contact', join([r.contact?.organisation, r.contact?.phone, r.contact?.email, r.contact?.address], '\n')],
  ];
  return rows.filter(([, text]) => text);
}

// recordBox returns a fold with what is said of a layer, or null where nothing is.
export function recordBox(layer: Layer): HTMLElement | null {
  if (!layer.record) return null;
  const served = links.filter((name) => layer.services[name]);
  const list = h('dl', null, rowsOf(layer.record).map(([name, text]) => [h('dt', null, t(`record.${name}`)), h('dd', null, text)]),
    served.length > 0 && [h('dt', null, t('record.services')), h('dd', { class: 'record-links' }, served.map((name) => link(layer, name)))]);
  const summary = h('summary', null, t('record.title'));
  const box = h('details', { class: 'record', 'data-testid': `record-${layer.name}` }, summary, list);
  if (layer.thumbnail) box.addEventListener('toggle', () => void picture(summary, layer), { once: true });
  return box;
}

// picture shows the layer's picture once the fold is opened; where it cannot be had
// nothing is missing.
async function picture(summary: HTMLElement, layer: Layer): Promise<void> {
  try {
    const image = h('img', { class: 'record-picture', alt: '', src: URL.createObjectURL(await getBlob(layer.thumbnail)) });
    image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true });
    summary.after(image);
  } catch {
    // The rows say what there is.
  }
}

// link opens a service. Where the token must go with the request, which an address
// does not take along, the answer is saved as a file.
function link(layer: Layer, name: Service): HTMLElement {
  const url = layer.services[name] ?? '';
  const saved = async () => {
    try {
      const file = URL.createObjectURL(await getBlob(url));
      h('a', { href: file, download: `${layer.name}-${name}.${name === 'tilejson' ? 'json' : 'xml'}` }).click();
      setTimeout(() => URL.revokeObjectURL(file), 10000);
    } catch (thrown) {
      toastProblem(asProblem(thrown));
    }
  };
  return h('a', {
    href: url, target: '_blank', rel: 'noopener',
    onclick(event: Event) {
      if (!authorize(url).Authorization) return;
      event.preventDefault();
      void saved();
    },
  }, t(`service.${name === 'wmts_c' ? 'wmts.c' : name === 'wmts_w' ? 'wmts.w' : name}`));
}

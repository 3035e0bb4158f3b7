// Files as a hand drops or chooses them: read within bounds, and the box that says what is
// wrong with them.

import { h } from '../../core/dom';
import { t } from '../../core/i18n';
import { toast } from '../../shell/messages';
import { FileFault, limitsFrom } from './fault';
import { readFiles, type Given, type Question } from './read';

// readChosen reads what was dropped or chosen together, within the limits that the catalogue
// names. It throws FileFault.
export async function readChosen(chosen: File[], said: Record<string, number>): Promise<Question> {
  const limits = limitsFrom(said);
  const large = chosen.find((f) => f.size > limits.bytes);
  // Such a file is not even read.
  if (large) throw new FileFault('file.bytes', { name: large.name, size: Math.ceil(large.size / (1 << 20)), most: limits.bytes >> 20 });
  return readFiles(await Promise.all(chosen.map(async (f): Promise<Given> => ({ name: f.name, data: new Uint8Array(await f.arrayBuffer()) }))), limits);
}

// namesOf is what files are called together.
export const namesOf = (chosen: File[]): string => chosen.map((f) => f.name).join(', ');

// faultBox says what is wrong with a file; again, where given, chooses another. What is no
// fault of a file is one of the page.
export function faultBox(name: string, thrown: unknown, again?: () => void): HTMLElement {
  if (!(thrown instanceof FileFault)) toast(String(thrown));
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'file-problem' },
    h('strong', null, t('file.fault', { name })),
    h('p', null, thrown instanceof FileFault ? t(thrown.key, thrown.values) : String(thrown)),
    again && h('button', { type: 'button', onclick: again }, t('file.another')));
}

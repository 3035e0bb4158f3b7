// Files as a hand drops or chooses them: read within bounds, and the box that says what is
// wrong with them. The room files makes them a question, or says why not; it never asks the
// server, puts nothing on the map, and judges no shape.

import { h } from '../core/dom';
import { joined, t } from '../core/i18n';
import { addWords } from '../core/words';
import { toast } from '../shell/messages';
import { FileFault, limitsFrom, type Values } from './fault';
import { readFiles, type Given, type Question } from './read';
import { fileWords } from './words';

addWords(fileWords);

// mostNamed is how many names of a list are said.
const mostNamed = 6;

// readChosen reads what was dropped or chosen together, within the limits that the catalogue
// names. It throws FileFault.
export async function readChosen(chosen: File[], said: Record<string, number>): Promise<Question> {
  const limits = limitsFrom(said);
  const large = chosen.find((f) => f.size > limits.bytes);
  // Such a file is not even read.
  if (large) throw new FileFault('file.bytes', { name: large.name, size: Math.ceil(large.size / (1 << 20)), most: limits.bytes >> 20 });
  return readFiles(await Promise.all(chosen.map(bytesOf)), limits);
}

async function bytesOf(file: File): Promise<Given> {
  try {
    return { name: file.name, data: new Uint8Array(await file.arrayBuffer()) };
  } catch {
    throw new FileFault('file.unreadable', { name: file.name }); // for no reason that the browser tells
  }
}

// namesOf is what files are called together.
export const namesOf = (chosen: File[]): string => chosen.map((f) => f.name).join(', ');

// faultBox says what is wrong with a file; again, where given, chooses another. What is no
// fault of a file is one of the page.
export function faultBox(name: string, thrown: unknown, again?: () => void): HTMLElement {
  if (!(thrown instanceof FileFault)) toast(String(thrown));
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'file-problem' },
    h('strong', null, t('file.fault', { name })),
    h('p', null, thrown instanceof FileFault ? t(thrown.key, named(thrown.values)) : String(thrown)),
    again && h('button', { type: 'button', onclick: again }, t('file.another')));
}

// named writes the lists among the values, the first of each.
function named(values: Values): Record<string, string | number> {
  const text = (v: Values[string]) => (typeof v === 'string' || typeof v === 'number' ? v : joined(v.slice(0, mostNamed)) + (v.length > mostNamed ? '…' : ''));
  return Object.fromEntries(Object.entries(values).map(([name, v]) => [name, text(v)]));
}

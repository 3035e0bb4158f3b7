// A question on its way to its answer, as the card shows it, and the shapes of its answers.

import type { Geometry } from 'geojson';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import { toast } from '../shell/messages';
import type { Answer, Asked, Element } from './answer';
import { FileFault } from './files/fault';
import type { Question } from './files/read';
import type { Item, Several } from './several';

// Job is what the card shows: what was asked, and the answer or what is wrong once it is there.
export interface Job {
  asked: Asked; answer: Answer | null; problem: Error | null;
  again: () => void;
  several: Several | null; // of a file of several shapes
  open: number | null; // which of them is shown
  crs: string; // that the server proposes for a file's coordinates
  file: { question: Question } | null;
}

// jobOf is a job that has just begun; again asks the same.
export const jobOf = (asked: Asked, again: () => void, question?: Question): Job => ({
  asked, again, answer: null, problem: null, several: null, open: null, crs: '', file: question ? { question } : null,
});

// tooLarge is what is wrong with a file that is not even read.
export const tooLarge = (file: File, most: number): FileFault => new FileFault('file.bytes', { name: file.name, size: Math.ceil(file.size / (1 << 20)), most: most >> 20 });

// faultBox says what is wrong with a file. What is no fault of a file is one of the page.
export function faultBox(name: string, thrown: unknown, again: () => void): HTMLElement {
  if (!(thrown instanceof FileFault)) toast(String(thrown));
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'file-problem' },
    h('strong', null, t('file.fault', { name })),
    h('p', null, thrown instanceof FileFault ? t(thrown.key, thrown.values) : String(thrown)),
    h('button', { type: 'button', onclick: again }, t('file.another')));
}

// itemOf names an answer of a collection, and finds the shape that it is about.
export function itemOf(e: Element, i: number, question: Question): Item {
  const given = question.shapes[i];
  const named = e.properties?.['name'];
  const id = typeof e.id === 'string' || typeof e.id === 'number' ? String(e.id) : '';
  const name = given?.name || [question.text ? id : '', typeof named === 'string' ? named : ''].filter(Boolean).join(' ') || id || t('several.unnamed', { n: i + 1 });
  const geometry = e.aoi?.geometry ?? given?.geometry ?? null;
  return { name, asked: { geometry, name }, answer: e.problem || !e.aoi ? null : e, problem: e.problem ?? null };
}

// whole is all that a job measures, to be drawn.
export function whole(job: Job): Geometry | null {
  if (!job.several) return job.asked.geometry ?? null;
  const geometries = job.several.items.flatMap((i) => (i.asked.geometry ? [i.asked.geometry] : []));
  return geometries.length ? { type: 'GeometryCollection', geometries } : null;
}

// proposed is the system that the server proposes for shapes that it could not read.
export function proposed(job: Job): string {
  const told = job.several?.items.find((i) => i.problem && typeof i.problem !== 'string' && i.problem.code === 'CRS_MISMATCH')?.problem;
  return (typeof told === 'object' && /EPSG:4[45]\d\d/.exec(told?.advice_en ?? '')?.[0]) || '';
}

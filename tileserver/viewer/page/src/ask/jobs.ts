// A question on its way to its answer, as the card shows it, and the shapes of its answers.

import type { Geometry } from 'geojson';
import { aborted, asProblem, Problem, vintage } from '../core/api';
import { measured as layersMeasured, type Catalog } from '../core/catalog';
import { t } from '../core/i18n';
import type { Question } from '../files/read';
import { yearText } from '../map/year';
import type { Answer, Asked, Element } from './answer';
import { measure, sentOf, type Sent } from './requests';
import type { Item, Several } from './several';

// Job is what the card shows: what was asked, and the answer or what is wrong once it is there.
export interface Job {
  asked: Asked; answer: Answer | null; problem: Error | null;
  again: () => void;
  several: Several | null; // of a file of several shapes
  open: number | null; // which of them is shown
  crs: string; // that the server proposes for a file's coordinates
  file: { question: Question } | null;
  reading: string; // what the files are called that are read, '' for none
  fault: unknown; // what is wrong with them
}

// jobOf is a job that has just begun; again asks the same.
export const jobOf = (asked: Asked, again: () => void, question?: Question): Job => ({
  asked, again, answer: null, problem: null, several: null, open: null, crs: '', file: question ? { question } : null, reading: '', fault: null,
});

// askable tells whether a job holds a question: that of a file that is being read holds none.
export const askable = ({ asked, file }: Job): boolean => file !== null || asked.geometry != null || asked.place !== undefined;

// refused is the answer to any question in a vintage that has no layer to measure; null where
// there is one.
const refused = (catalog: Catalog): Promise<never> | null => (layersMeasured(catalog).length ? null
  : Promise.reject(new Problem({ status: 404, detail: t('overlay.vintage.none', { vintage: yearText(vintage()) }) })));

// measuredOf measures a shape or a place in the page's vintage; it throws a Problem, or the
// AbortError of signal.
export function measuredOf(catalog: Catalog, asked: Asked, signal: AbortSignal): Promise<Answer> {
  return refused(catalog) ?? measure<Answer>(catalog, sentOf(asked), {}, signal);
}

// measured asks a job's question in the page's vintage and puts the answer, or what is wrong,
// into the job. It throws the AbortError of signal alone.
export async function measured(catalog: Catalog, job: Job, signal: AbortSignal): Promise<void> {
  try {
    if (job.file) await fileMeasured(catalog, job, job.file.question, signal);
    else job.answer = await measuredOf(catalog, job.asked, signal);
  } catch (thrown) {
    if (aborted(thrown)) throw thrown;
    job.problem = asProblem(thrown);
    job.crs = job.file && job.problem instanceof Problem ? /EPSG:4[45]\d\d/.exec(job.problem.remedy)?.[0] ?? '' : '';
  }
}

async function fileMeasured(catalog: Catalog, job: Job, question: Question, signal: AbortSignal): Promise<void> {
  const sent: Sent = { geometry: question.geometry ?? null, crs: question.crs, ...(question.text ? { text: question.text } : {}) };
  const outline = question.text !== undefined || question.shapes.some((s) => s.geometry === null);
  const answer = await (refused(catalog) ?? measure<Answer | Element[]>(catalog, sent, outline ? { outline } : {}, signal));
  if (Array.isArray(answer)) job.several = { title: question.title, items: answer.map((e, i) => itemOf(e, i, question)), sent };
  else {
    job.answer = answer;
    job.asked = { geometry: answer.aoi?.geometry ?? question.shapes[0]?.geometry ?? null, name: question.shapes[0]?.name || question.title };
  }
  job.crs = proposed(job);
}

// itemOf names an answer of a collection, and finds the shape that it is about.
function itemOf(e: Element, i: number, question: Question): Item {
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
function proposed(job: Job): string {
  const told = job.several?.items.find((i) => i.problem && typeof i.problem !== 'string' && i.problem.code === 'CRS_MISMATCH')?.problem;
  return (typeof told === 'object' && /EPSG:4[45]\d\d/.exec(told?.advice_en ?? '')?.[0]) || '';
}

// The forms of the server's answers about analyses, and the requests for them. Addresses
// are made below the page's own tier: those in the answers may name another host. The room
// jobs asks, follows and reads jobs for the rooms that show them, and never shows one itself.

import { open, Problem, reached, tierURL } from '../core/api';
import { t, type Text } from '../core/i18n';

export interface Choice { value: string; title: Text }

export interface Parameter {
  name: string; title: Text; about: Text; default?: string; unit?: string; choices?: Choice[];
  takes: 'text' | 'choice' | 'choices' | 'truth' | 'layer' | 'vintage' | 'number' | 'numbers' | 'codes';
}

export interface Question {
  name: string; title: Text; about: Text; parameters: Parameter[]; needs_shapes?: boolean; between?: boolean; answerable: boolean;
  layers: { layer: string; title?: Text; optional?: boolean; there: boolean }[];
  twice?: { layers: string[]; there: boolean };
}

export type State = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

// Ask is a question with its parameters, as it is told of a job.
export interface Ask { question: string; by?: string; place?: string; vintage?: string; from?: string; parameters?: Record<string, string> }

export interface Event { id?: number; kind: string; time?: string; stage?: Text; done?: number; all?: number }

export interface File { form: string; table?: string; title?: Text; type: string; bytes: number }

export interface MadeLayer { name: string; title: Text; vintage: string; features: number }

export interface Job {
  id: string; state: State; again?: boolean; run: string; question: string; title: Text; request: Ask; generation: string; current: boolean;
  asked: string; began?: string; ended?: string; ahead?: number; progress?: Event; bytes?: number;
  problem?: { code: string; detail: string; advice?: string };
  results?: File[]; layers_made?: MadeLayer[]; rules?: { version: string };
}

export interface List { questions: Question[]; jobs: Job[]; generation: string; forms: string[] }

// Column is a column of a table; values are what its codes are called, where they are the question's own.
export interface Column { name: string; title: Text; kind: 'text' | 'code' | 'count' | 'area' | 'length' | 'ratio' | 'number' | 'bool'; unit?: string; values?: Choice[] }

export type Value = string | number | boolean | null;
export type Row = Record<string, Value>;

export interface Table { name: string; title: Text; columns: Column[]; rows: Row[] }

export interface Answer {
  run: string; question: string; title: Text; about: Text; request: Ask; generation: string; program: string; formula: string; tier: string;
  rules: { version: string; digest: string };
  layers: { layer: string; vintage: string; title: Text; features: number; missing?: boolean }[];
  identities: { name: string; title: Text; left_m2: number; right_m2: number; difference_m2: number }[];
  notes: Text[]; sources: Text[]; tables: Table[]; shapes: { name: string; title: Text; table: string }[];
  [extra: string]: unknown;
}

// ended tells whether a job in this state is over.
export const ended = (state: State): boolean => state === 'done' || state === 'failed' || state === 'cancelled';

// json returns what is at path below the tier; it throws a Problem. The vintage of the
// page is not added: analyses name their own.
export async function json<T>(path: string, options: RequestInit = {}): Promise<T> {
  const answer = await open(tierURL(path), options);
  const text = await reached(answer.text());
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Problem({ status: answer.status, detail: t('error.answer') });
  }
}

// start puts a question into the queue and returns its job. body is JSON, or the
// bytes of a surveyor's TXT with the question in the address.
export function start(body: object | Uint8Array, query = ''): Promise<Job> {
  const text = body instanceof Uint8Array;
  return json<Job>(`analyses${query}`, { method: 'POST', body: text ? body as BufferSource : JSON.stringify(body), headers: { 'Content-Type': text ? 'text/plain' : 'application/json' } });
}

// fileURL is the absolute address of a form of a job's answer.
export const fileURL = (id: string, form: string, table?: string): string => tierURL(`analyses/${encodeURIComponent(id)}/result.${form}${table ? `?table=${encodeURIComponent(table)}` : ''}`);

// fileName is what a saved form of a job's answer is called.
export const fileName = (job: Job, file: File): string => `${job.question}-${job.run}${file.table ? `-${file.table}` : ''}.${file.form}`;

// layerNamed is the name of the layer of the shapes of a table; '' for none.
export function layerNamed(job: Job, answer: Answer, table: string): string {
  const shapes = answer.shapes.find((s) => s.table === table);
  const wanted = shapes ? `a-${job.run}-${shapes.name}` : '';
  return job.layers_made?.find((l) => l.name === wanted)?.name ?? '';
}

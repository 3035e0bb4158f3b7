// What is wrong with a file, as a key of the page's words with what stands in them.

import type { Key } from '../core/words';

// Values are what stands in the words; lists are lists of names.
export type Values = Record<string, string | number | readonly string[]>;

// FileFault is thrown by all that reads files.
export class FileFault extends Error {
  constructor(readonly key: Key, readonly values: Values = {}) {
    super(`${key} ${JSON.stringify(values)}`);
  }
}

// Limits bound what is read; they are the server's own where the catalogue names them.
export interface Limits {
  bytes: number; // of a file, and of what the page sends
  unpacked: number; // bytes of all that is taken out of one zip
  features: number; // in a file
  vertices: number; // of all features together
}

// limitsFrom takes what the catalogue says.
export const limitsFrom = (said: Record<string, number>): Limits => ({
  bytes: said.body_bytes || 16 << 20, unpacked: 4 * (said.body_bytes || 16 << 20), features: said.aoi_features || 10_000, vertices: said.aoi_vertices || 500_000,
});

import { Duplex } from 'node:stream';
import { createInflateRaw } from 'node:zlib';

// Browsers inflate raw deflate by themselves, Node since 20.12; before, its zlib stands in,
// so that the tests run with the Node that Debian has.
function inflates(): boolean {
  try {
    return new DecompressionStream('deflate-raw').readable instanceof ReadableStream;
  } catch {
    return false;
  }
}

if (!inflates()) {
  globalThis.DecompressionStream = function () {
    return Duplex.toWeb(createInflateRaw());
  } as unknown as typeof DecompressionStream;
}

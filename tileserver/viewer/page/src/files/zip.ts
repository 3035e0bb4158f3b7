// Taking files out of a zip (APPNOTE.TXT 6.3.3, 4.3), never more than a bound: what a zip
// says of sizes is not believed.

import { FileFault } from './fault';

// maxEntries is how many entries of a zip are looked at.
const maxEntries = 2000;

interface Entry { name: string; flags: number; method: number; crc: number; packed: number; at: number }

// unzip returns the files whose names are wanted, by their names. unpacked bounds the bytes
// of all of them together. It throws FileFault.
export async function unzip(data: Uint8Array, wanted: (name: string) => boolean, unpacked: number): Promise<Map<string, Uint8Array>> {
  const out = new Map<string, Uint8Array>();
  let left = unpacked;
  for (const entry of entries(data)) {
    if (!wanted(entry.name)) continue;
    const content = await take(data, entry, left, unpacked);
    left -= content.length;
    out.set(entry.name, content);
  }
  return out;
}

// listed are the names of a zip's files, folders and what is hidden left out. It throws FileFault.
export const listed = (data: Uint8Array): string[] => entries(data).map((e) => e.name).filter((name) => !/\/$|(^|\/)(__MACOSX|\.)/.test(name));

const broken = (): FileFault => new FileFault('file.zip.broken');

function entries(data: Uint8Array): Entry[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw new FileFault('file.zip.64');
  if (count > maxEntries) throw new FileFault('file.zip.entries', { n: count, most: maxEntries });
  const found: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > data.length || view.getUint32(at, true) !== 0x02014b50) throw broken();
    const [name, extra, comment] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)];
    const flags = view.getUint16(at + 8, true);
    if (at + 46 + name > data.length) throw broken();
    found.push({
      name: nameOf(data.subarray(at + 46, at + 46 + name), flags), flags, method: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true), at: view.getUint32(at + 42, true),
    });
    at += 46 + name + extra + comment;
  }
  return found;
}

// endOf finds the end of the central directory, before a comment of at most 65535 bytes.
function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - 0xffff; at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  throw broken();
}

// nameOf reads a name: UTF-8 where its flag says so or it is that, and else GBK, as zips
// made by Windows in Chinese have them.
function nameOf(bytes: Uint8Array, flags: number): string {
  if (flags & 0x800) return new TextDecoder().decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('gb18030').decode(bytes);
  }
}

async function take(data: Uint8Array, entry: Entry, left: number, most: number): Promise<Uint8Array> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (entry.flags & 1) throw new FileFault('file.zip.locked');
  if (entry.at + 30 > data.length || view.getUint32(entry.at, true) !== 0x04034b50) throw broken();
  const from = entry.at + 30 + view.getUint16(entry.at + 26, true) + view.getUint16(entry.at + 28, true);
  if (from + entry.packed > data.length) throw broken();
  const packed = data.subarray(from, from + entry.packed);
  const tooMuch = new FileFault('file.zip.bomb', { most: megabytes(most) });
  if (entry.method === 0 && packed.length > left) throw tooMuch;
  if (entry.method !== 0 && entry.method !== 8) throw new FileFault('file.zip.method', { method: entry.method });
  const content = entry.method === 0 ? packed : await inflate(packed, left, tooMuch);
  if (crc32(content) !== entry.crc) throw broken();
  return content;
}

// megabytes writes a size for people.
export const megabytes = (bytes: number): number => Math.round(bytes / (1 << 20));

// inflate unpacks a raw deflate stream, and stops as soon as it goes beyond most bytes.
async function inflate(packed: Uint8Array, most: number, tooMuch: FileFault): Promise<Uint8Array> {
  const reader = new Blob([packed as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > most) {
        await reader.cancel();
        throw tooMuch;
      }
      chunks.push(value);
    }
  } catch (thrown) {
    throw thrown instanceof FileFault ? thrown : broken();
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) { out.set(chunk, at); at += chunk.length; }
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

// crc32 is the checksum of zip files (ISO 3309).
function crc32(data: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of data) c = (crcTable[(c ^ byte) & 0xff] ?? 0) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// What the shapes of a shapefile are called: one field of its table (dBASE III), in the
// encoding that the .cpg or the table itself says, or that its bytes are in.

// gbkIds are the language ids of tables that stand for a Chinese encoding.
const gbkIds = [0x4d, 0x7a];

// likely are names of fields that name a shape, the best first; then the first text field.
const likely = [/^(name|名称|mc)$/i, /^(dkmc|地块名称|xmmc|项目名称|tbmc)$/i, /mc$|name$|名称$/i, /^(dkbh|tbbh|bsm|编号|id)$/i];

interface Field { name: string; kind: string; at: number; length: number }

// names returns what each record's shape is called, '' where it is not; none where the
// table cannot be read, since a shape can be measured without a name.
export function names(table: Uint8Array | undefined, codePage: string): string[] {
  if (!table || table.length < 33) return [];
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const [count, head, size] = [view.getUint32(4, true), view.getUint16(8, true), view.getUint16(10, true)];
  const read = decoder(table, codePage, head);
  const field = choose(fieldsOf(table, head, read));
  if (!field || size === 0) return [];
  const out: string[] = [];
  for (let at = head; out.length < count && at + size <= table.length; at += size) {
    const from = at + field.at;
    out.push(read(table.subarray(from, Math.min(from + field.length, at + size))).replaceAll('\0', ' ').trim());
  }
  return out;
}

function fieldsOf(table: Uint8Array, head: number, read: (bytes: Uint8Array) => string): Field[] {
  const fields: Field[] = [];
  let offset = 1; // behind the mark of a deleted record
  for (let at = 32; at + 32 <= Math.min(head, table.length) && table[at] !== 0x0d; at += 32) {
    const end = table.subarray(at, at + 11).indexOf(0);
    const length = table[at + 16] ?? 0;
    fields.push({ name: read(table.subarray(at, at + (end < 0 ? 11 : end))).trim(), kind: String.fromCharCode(table[at + 11] ?? 0), at: offset, length });
    offset += length;
  }
  return fields;
}

function choose(fields: Field[]): Field | undefined {
  for (const pattern of likely) {
    const found = fields.find((f) => pattern.test(f.name));
    if (found) return found;
  }
  return fields.find((f) => f.kind === 'C');
}

// decoder reads text by what is said of it; where nothing is said, as UTF-8 when all of the
// table's texts are that, and as GB18030 else.
function decoder(table: Uint8Array, codePage: string, head: number): (bytes: Uint8Array) => string {
  const said = codePage.trim().toLowerCase().replace(/^(cp|ansi |oem )/, '');
  let label = '';
  if (/gb|936/.test(said) || (!said && gbkIds.includes(table[29] ?? 0))) label = 'gb18030';
  else if (/utf-?8|65001/.test(said)) label = 'utf-8';
  else if (/^big5|950/.test(said)) label = 'big5';
  else {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(table.subarray(head));
      label = 'utf-8';
    } catch {
      label = 'gb18030';
    }
  }
  const decode = new TextDecoder(label);
  return (bytes) => decode.decode(bytes);
}

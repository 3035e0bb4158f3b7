// Where a text stops being JSON (RFC 8259). A browser says that in English, and each in
// another way, some of them without the place.

// JSONFault is a place, line and column from 1, columns in UTF-16 units. cut tells that the
// text ends there before it is whole; else found is what stands there, the first of it.
export interface JSONFault { line: number; column: number; cut: boolean; found: string }

type Want = 'value' | 'item' | 'key' | 'name' | 'colon' | 'comma' | 'end';

// jsonFault returns the first place that is wrong; null where the text is JSON.
export function jsonFault(text: string): JSONFault | null {
  const open: string[] = []; // the brackets that close what is open
  let want: Want = 'value'; // item and name may be left out, before the bracket
  for (let at = skip(text, 0); ; at = skip(text, at)) {
    if (at >= text.length) return want === 'end' ? null : placeOf(text, at);
    const c = text.charAt(at);
    const value: boolean = want === 'value' || want === 'item';
    if (value && (c === '{' || c === '[')) {
      open.push(c === '{' ? '}' : ']');
      want = c === '{' ? 'name' : 'item';
      at++;
    } else if (c === open.at(-1) && (want === 'comma' || want === (c === '}' ? 'name' : 'item'))) {
      open.pop();
      want = open.length ? 'comma' : 'end';
      at++;
    } else if (want === 'comma' && c === ',') {
      want = open.at(-1) === '}' ? 'key' : 'value';
      at++;
    } else if (want === 'colon' && c === ':') {
      want = 'value';
      at++;
    } else if (value || ((want === 'key' || want === 'name') && c === '"')) {
      const read = c === '"' ? string(text, at) : word(text, at);
      if (!read.whole) return placeOf(text, read.to);
      want = !value ? 'colon' : open.length ? 'comma' : 'end';
      at = read.to;
    } else return placeOf(text, at);
  }
}

function placeOf(text: string, at: number): JSONFault {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, cut: at >= text.length, found: /^\S{0,12}/.exec(text.slice(at, at + 12))?.[0] ?? '' };
}

function skip(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  return at;
}

// Read is where a part ends, or where it goes wrong.
interface Read { to: number; whole: boolean }

function string(text: string, from: number): Read {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x22) return { to: at + 1, whole: true };
    if (c < 0x20) return { to: at, whole: false };
    if (c !== 0x5c) continue;
    const escape = /^(?:["\\/bfnrt]|u[\da-f]{4})/i.exec(text.slice(at + 1, at + 6))?.[0];
    if (!escape) return { to: at + 6 > text.length ? text.length : at, whole: false };
    at += escape.length;
  }
  return { to: text.length, whole: false };
}

// word reads a number, true, false or null; one that the end of the text has cut is wrong there.
function word(text: string, from: number): Read {
  const run = /[\w.+-]*/y;
  run.lastIndex = from;
  const found = run.exec(text)?.[0] ?? '';
  const to = from + found.length;
  if (/^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null)$/i.test(found) && !/[A-DF-Z]/.test(found)) return { to, whole: true };
  const begun = ['true', 'false', 'null'].some((w) => w.startsWith(found)) || /^-?\d*\.?\d*(?:e[+-]?)?$/i.test(found);
  return { to: begun && to === text.length ? to : from, whole: false };
}

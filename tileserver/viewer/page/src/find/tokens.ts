// The parts of a coordinate as people write it: numbers, marks of degrees, minutes and
// seconds, and words that say which number is which.

import { zoneOf, type Zone } from '../core/zones';

// Axis is what a number is said to be: lon is east or an easting (the surveyor's Y), lat is
// north or a northing (his X).
export type Axis = 'lon' | 'lat';

// Token is one part: a number as it was written; the unit behind one (0 degrees, 1 minutes,
// 2 seconds; next is what stands between parts of an angle without marks, 108:38:24); a mark.
export type Token =
  | { kind: 'number'; value: number; whole: boolean }
  | { kind: 'unit'; unit: 0 | 1 | 2 | 'next' }
  | { kind: 'mark'; axis: Axis; sign: 1 | -1 }
  | { kind: 'gap' };

// same are characters that stand for another one on Chinese keyboards and in documents.
const same: Record<string, string> = {
  '\u3000': ' ', '，': ',', '、': ',', '；': ';', '：': ':', '。': '.', '．': '.', '－': '-', '−': '-', '–': '-', '—': '-', '～': '-',
  'º': '°', '˚': '°', '∘': '°', '゜': '°', '度': '°', '′': '\'', '‘': '\'', '’': '\'', '＇': '\'', '｀': '\'', '`': '\'', '´': '\'', '分': '\'',
  '″': '"', '“': '"', '”': '"', '＂': '"', '秒': '"',
};

// plain writes text with the characters that programs use: full-width ones become half-width,
// two single quotes a double one.
export function plain(text: string): string {
  const half = Array.from(text).map((c) => {
    const code = c.codePointAt(0) ?? 0;
    return same[c] ?? (code >= 0xff01 && code <= 0xff5e ? String.fromCodePoint(code - 0xfee0) : c);
  }).join('');
  return half.replace(/''/g, '"');
}

// marks are words of axes, longest first: 东经 before 东.
const marks: [word: string, axis: Axis, sign: 1 | -1][] = [
  ['longitude', 'lon', 1], ['latitude', 'lat', 1], ['easting', 'lon', 1], ['northing', 'lat', 1],
  ['东坐标', 'lon', 1], ['北坐标', 'lat', 1], ['横坐标', 'lon', 1], ['纵坐标', 'lat', 1],
  ['long', 'lon', 1], ['east', 'lon', 1], ['west', 'lon', -1], ['north', 'lat', 1], ['south', 'lat', -1],
  ['lon', 'lon', 1], ['lng', 'lon', 1], ['lat', 'lat', 1],
  ['东经', 'lon', 1], ['西经', 'lon', -1], ['北纬', 'lat', 1], ['南纬', 'lat', -1], ['经°', 'lon', 1], ['纬°', 'lat', 1],
  ['经', 'lon', 1], ['纬', 'lat', 1], ['东', 'lon', 1], ['西', 'lon', -1], ['北', 'lat', 1], ['南', 'lat', -1],
  ['e', 'lon', 1], ['w', 'lon', -1], ['n', 'lat', 1], ['s', 'lat', -1], ['l', 'lon', 1], ['b', 'lat', 1],
];

// idle are words that say nothing of a number; x and y among them, since surveyors and map
// programs mean opposite things by them.
const idle = ['2000国家大地坐标系', 'cgcs2000', 'cgcs 2000', '国家2000', 'wgs84', 'wgs 84', 'epsg:4490', 'epsg:4326', '大地坐标', '平面坐标', '坐标', 'point', '米', 'm', 'x', 'y'];

// tokens returns the parts of text, already plain; null where anything in it is no part of
// a coordinate.
export function tokens(text: string): Token[] | null {
  const out: Token[] = [];
  let rest = text.toLowerCase();
  while (rest) {
    const [token, length] = first(rest, out.at(-1));
    if (length === 0) return null;
    if (token) out.push(token);
    rest = rest.slice(length);
  }
  return out;
}

// first returns the first part of rest and how long it is, 0 where it is none.
function first(rest: string, before: Token | undefined): [Token | null, number] {
  const word = idle.find((w) => rest.startsWith(w));
  if (word) return [{ kind: 'gap' }, word.length];
  // A sign belongs to its number, unless it stands right behind another one.
  const joined = before?.kind === 'number';
  const number = (joined ? /^\d+(?:\.\d+)?/ : /^[+-]?\d+(?:\.\d+)?/).exec(rest)?.[0];
  if (number) return [{ kind: 'number', value: Number(number), whole: !number.includes('.') }, number.length];
  const join = joined ? /^(?:\s*:\s*|-)(?=\d)/.exec(rest)?.[0] : undefined;
  if (join) return [{ kind: 'unit', unit: 'next' }, join.length];
  const unit = ['°', '\'', '"'].indexOf(rest.charAt(0));
  if (unit >= 0) return [{ kind: 'unit', unit: unit as 0 | 1 | 2 }, 1];
  const mark = marks.find(([w]) => rest.startsWith(w));
  if (mark) return [{ kind: 'mark', axis: mark[1], sign: mark[2] }, mark[0].length];
  const gap = /^[\s,;|/\\:=()[\]{}<>"]+/.exec(rest)?.[0];
  return gap ? [{ kind: 'gap' }, gap.length] : [null, 0];
}

// takeZone takes the words that name a zone out of text, already plain: 3度36带, 36带,
// zone 36, 中央经线108°. zone is null where none is named, undefined where there is no such one.
export function takeZone(text: string): { zone: Zone | null | undefined; rest: string } {
  const band = /(?:([36])\s*°\s*(?:'?带)?\s*[,:]?\s*)?(?:第\s*)?(\d{1,3})\s*(?:号\s*)?带(?:号)?|zone\s*(\d{1,3})/i.exec(text);
  if (band) {
    const number = Number(band[2] ?? band[3]);
    const width = band[1] ? (Number(band[1]) as 3 | 6) : number >= 25 ? 3 : 6;
    return { zone: zoneOf(width, number) ?? undefined, rest: text.replace(band[0], ' ') };
  }
  const meridian = /(?:中央\s*(?:经线|子午线)|central meridian|l0)\s*[:=]?\s*(\d{2,3})\s*°?/i.exec(text);
  if (meridian) {
    const lon = Number(meridian[1]);
    // A meridian that both kinds of zones have is that of the narrow one, as surveys use it.
    return { zone: zoneOf(3, lon / 3) ?? undefined, rest: text.replace(meridian[0], ' ') };
  }
  return { zone: null, rest: text };
}

// ungrouped takes the commas out of two numbers that are written in groups of three:
// 3,801,234.5 512,345.6.
export function ungrouped(text: string): string {
  const parts = text.trim().split(/[\s;]+/);
  const grouped = /^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
  return parts.length === 2 && parts.every((p) => grouped.test(p)) && parts.some((p) => p.split(',').length > 2) ? parts.map((p) => p.replaceAll(',', '')).join(' ') : text;
}

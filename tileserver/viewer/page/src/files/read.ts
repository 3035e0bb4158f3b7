// A file that was dropped or chosen, made a question for the server: GeoJSON, a zipped
// shapefile or its loose parts, and the surveyor's TXT, which the server reads itself.

import type { Feature } from 'geojson';
import type { Key } from '../core/words';
import { names } from './dbf';
import { FileFault, type Limits } from './fault';
import { inDegrees, readGeoJSON, type GeoJSONFile, type Named } from './geojson';
import { epsgOf, inLonLat } from './prj';
import { readShapes } from './shp';
import { listed, megabytes, unzip } from './zip';

// Question is what is asked of a file's shapes: as GeoJSON, or the file's own text.
export interface Question {
  title: string; // the file's name
  geometry?: object; // GeoJSON, in crs
  crs: string; // '' where nothing says it
  text?: Uint8Array; // the surveyor's TXT
  shapes: Named[]; // with geometries in degrees alone; none of a TXT
  many: boolean; // whether the answer is a list
}

// Given is a file's name and what is in it.
export interface Given { name: string; data: Uint8Array }

const parts = /\.(shp|dbf|prj|cpg)$/i;

// others are kinds of files that are often taken for maps, by how they begin.
const others: readonly (readonly [Key, RegExp])[] = [
  ['file.kind.gpkg', /^SQLite format 3/],
  ['file.kind.picture', /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|II\*\0|MM\0\*|%PDF-)/s],
  ['file.kind.packed', /^(Rar!|7z\xbc\xaf)/],
  ['file.kind.cad', /^(AC10\d\d|\s*0\s+SECTION\b)/],
  ['file.kind.kml', /^\s*(\xef\xbb\xbf)?(<\?xml[^>]*>\s*)?<kml\b/],
];

// readFiles reads what was dropped together: one file, or the parts of one shapefile. It
// throws FileFault.
export async function readFiles(files: Given[], limits: Limits): Promise<Question> {
  for (const f of files) {
    if (f.data.length > limits.bytes) throw new FileFault('file.bytes', { name: f.name, size: megabytes(f.data.length), most: megabytes(limits.bytes) });
    if (f.data.length === 0) throw new FileFault('file.zero', { name: f.name });
  }
  const loose = files.filter((f) => parts.test(f.name));
  if (loose.length) return shapefile(loose, limits);
  const [file] = files;
  if (!file) throw new FileFault('file.none');
  if (files.length > 1) throw new FileFault('file.one');
  if (file.data[0] === 0x50 && file.data[1] === 0x4b && /\.zip$/i.test(file.name)) return zipped(file, limits);
  const other = others.find(([, pattern]) => pattern.test(latin(file.data)));
  if (other) throw new FileFault(other[0], { name: file.name });
  const text = new TextDecoder().decode(file.data.subarray(0, 4096)).replace(/^\uFEFF/, '').trimStart();
  if (text.startsWith('{')) return ofGeoJSON(file.name, readGeoJSON(file.data, limits));
  if (/\.(geo)?json$/i.test(file.name)) return ofGeoJSON(file.name, readGeoJSON(file.data, limits)); // which says what is wrong
  if (/\.txt$/i.test(file.name)) return { title: file.name, text: file.data, crs: '', shapes: [], many: true };
  throw new FileFault('file.kind', { name: file.name });
}

// latin is how a file begins, a character a byte.
const latin = (data: Uint8Array): string => String.fromCharCode(...data.subarray(0, 4096));

// zipped reads what a zip holds to be measured: a shapefile, else GeoJSON, else a TXT that has
// sections as a surveyor's has; what stands beside it is let be.
async function zipped(file: Given, limits: Limits): Promise<Question> {
  const all = listed(file.data);
  const of = (ending: RegExp) => all.filter((name) => ending.test(name));
  const json = of(/\.(geo)?json$/i);
  const shapes = of(/\.shp$/i);
  const said = { name: file.name, n: all.length, holds: all };
  if (!all.length) throw new FileFault('file.zip.blank', { name: file.name });
  if (!shapes.length && !json.length && of(parts).length) throw new FileFault('file.zip.part', said);
  const wanted = shapes.length ? of(parts) : json.length ? json : of(/\.txt$/i);
  const inner = [...await unzip(file.data, (name) => wanted.includes(name), limits.unpacked)].map(([name, data]): Given => ({ name, data }));
  if (shapes.length) return { ...shapefile(inner, limits), title: file.name };
  const found = json.length ? inner : inner.filter(({ data }) => /^(\xef\xbb\xbf)?\s*\[[^\]"{]+\]\s*$/m.test(latin(data)));
  const [only, more] = found;
  if (!only) throw new FileFault('file.zip.nothing', said);
  if (more) throw new FileFault('file.zip.several', { name: file.name, holds: found.map((f) => f.name) });
  return { ...await readFiles([only], limits), title: file.name };
}

function shapefile(files: Given[], limits: Limits): Question {
  const stems = files.filter((f) => /\.shp$/i.test(f.name)).map((f) => f.name.replace(/\.shp$/i, ''));
  const [stem] = stems;
  if (stem === undefined) throw new FileFault('file.shp.missing');
  if (stems.length > 1) throw new FileFault('file.shp.several', { names: stems });
  const part = (ending: string) => files.find((f) => f.name.toLowerCase() === `${stem}.${ending}`.toLowerCase())?.data;
  const text = (ending: string) => new TextDecoder().decode(part(ending) ?? new Uint8Array()).replace(/^\uFEFF/, '').trim();
  const shapes = readShapes(part('shp') ?? new Uint8Array(), limits);
  if (shapes.length === 0) throw new FileFault('file.empty');
  const called = names(part('dbf'), text('cpg'));
  const features = shapes.map((geometry, i): Feature => ({ type: 'Feature', id: i + 1, properties: called[i] ? { name: called[i] } : {}, geometry: geometry as Feature['geometry'] }));
  const crs = text('prj') ? epsgOf(text('prj')) : '';
  return degreesOf({
    title: `${stem.split('/').at(-1) ?? ''}.shp`, geometry: { type: 'FeatureCollection', features }, crs, many: true,
    shapes: shapes.map((geometry, i) => ({ name: called[i] ?? '', geometry })),
  });
}

const ofGeoJSON = (title: string, file: GeoJSONFile): Question => degreesOf({ title, geometry: file.sent, crs: '', shapes: file.shapes, many: file.many }, file.crs);

// degreesOf leaves those geometries alone that can be drawn as they are. stated is the
// system that the GeoJSON itself names; the server reads it there.
function degreesOf(q: Question, stated = q.crs): Question {
  const plane = !inLonLat(stated);
  return { ...q, shapes: q.shapes.map((s) => ({ name: s.name, geometry: !plane && inDegrees(s.geometry) ? s.geometry : null })) };
}

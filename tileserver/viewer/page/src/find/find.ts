// Finding: one box for names and codes of places, codes of parcels, and coordinates. The room
// find takes the map to one of them and marks it; it never says how much lies there, and what
// is searched for is not kept anywhere.

import type { Feature, Geometry } from 'geojson';
import type { App } from '../app';
import { aborted, asProblem, get, vintage } from '../core/api';
import { layerOf } from '../core/catalog';
import { decimal, zoneName, zoneTitle } from '../core/coordinates';
import { $, h, icon, type Child } from '../core/dom';
import { count } from '../core/format';
import { joined, pick, t } from '../core/i18n';
import { fit, looking, setShape } from '../map/map';
import { margins, narrow } from '../shell/frame';
import { toastProblem } from '../shell/messages';
import { createCombobox, type Combobox, type Row } from './combobox';
import type { Reading } from './coordinate';
import { look, type Answer, type Note, type Parcel, type Place, type Result } from './look';
import { createMark, type Mark } from './mark';

// pauseMs is how long typing must rest before the server is asked.
const pauseMs = 220;

// nearZoom is how near the map goes to a coordinate.
const nearZoom = 15;

const icons = {
  coordinate: 'M12 21c4-5 6-8 6-11a6 6 0 0 0-12 0c0 3 2 6 6 11zM12 12.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z',
  place: 'M4 20V9l8-5 8 5v11zM9.500 20v-6h5v6',
  feature: 'm4 8 8-4 8 5-2 9-9 2-5-5z',
};

// installFind wires the search box, and makes the mark, which app.mark puts.
export function installFind(app: App): void {
  const mark = createMark(app.map);
  app.mark = (at) => mark.put(at);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let request: AbortController | null = null;
  const ask = async (text: string) => {
    clearTimeout(timer);
    request?.abort();
    if (!text.trim()) { box.shut(); return; }
    const mine = new AbortController();
    request = mine;
    try {
      const answer = await look(text, app, mine.signal);
      if (!mine.signal.aborted) box.show({ rows: answer.results.map((r) => rowOf(r, app, mark)), notes: () => notesOf(answer, text) });
    } catch (thrown) {
      if (!aborted(thrown)) throw thrown;
    }
  };
  const box: Combobox = createCombobox({
    typed: (text) => {
      clearTimeout(timer);
      request?.abort();
      if (text.trim()) timer = setTimeout(() => void ask(text), pauseMs);
    },
    ask,
  });
}

// notesOf says how many there are, or what is wrong, and what can be asked.
function notesOf(answer: Answer, text: string): Child {
  const { results, notes } = answer;
  const said = notes.map((n) => h('p', { class: 'search-note', 'data-testid': 'search-note' }, wordsOf(n)));
  if (results.length) return [h('p', { class: 'hidden' }, t('search.count', { n: count(results.length) })), said];
  return [said.length ? said : h('p', { class: 'search-note' }, t('search.none', { q: text.trim() })), h('p', { class: 'search-try' }, t('search.try'))];
}

function wordsOf(note: Note): string {
  if ('key' in note) return t(note.key, note.values);
  return [note.problem.words(), note.problem.advice()].filter(Boolean).join(' ');
}

// rowOf is a result as the list shows it and what choosing it does.
function rowOf(result: Result, app: App, mark: Mark): Row {
  const row = (kind: Result['kind'], head: () => string, sub: () => Child, run: () => void, second?: () => void): Row => ({
    testid: `search-${kind}`, run: () => { if (narrow()) $('search-input').blur(); run(); }, second,
    content: () => [icon(icons[kind]),
      h('span', { class: 'result' }, h('span', { class: 'result-head' }, head()), h('span', { class: 'result-sub' }, h('span', { class: 'kind' }, t(`kind.${kind}`)), sub())),
      second && h('span', { class: 'second place-measure' }, t('search.measure'))],
  });
  switch (result.kind) {
    case 'coordinate': {
      const { reading } = result;
      return row('coordinate', () => decimal(reading), () => readAs(reading, app), () => goTo(app, mark, reading));
    }
    case 'place': {
      const { place } = result;
      const measure = () => { void showPlace(app, place); void app.ask({ place: place.code, name: place.name }).catch(() => undefined); };
      return row('place', () => place.name || place.code, () => h('code', null, place.code), () => void showPlace(app, place), app.may('overlay') ? measure : undefined);
    }
    case 'feature': {
      const { parcel } = result;
      return row('feature', () => parcel.code, () => layersOf(parcel, app), () => void app.show([parcel]));
    }
  }
}

// readAs says how a coordinate was understood.
function readAs(reading: Reading, app: App): string {
  const order = t(`order.${reading.order}`);
  const how = !reading.zone ? t('coordinate.read', { order })
    : reading.assumed ? t('coordinate.assumed', { zone: zoneName(reading.zone), order }) : t('coordinate.zone', { zone: zoneTitle(reading.zone), order });
  return [how, !within(app, reading) && t('coordinate.outside')].filter(Boolean).join(' · ');
}

function within(app: App, { lon, lat }: Reading): boolean {
  const e = app.catalog.extent;
  return !e || (lon >= e[0] && lon <= e[2] && lat >= e[1] && lat <= e[3]);
}

const layersOf = (parcel: Parcel, app: App): string => joined([parcel.layer, ...parcel.also].map((name) => pick(layerOf(app.catalog, name).title))) + (parcel.vintage ? ` · ${parcel.vintage}` : '');

function goTo(app: App, mark: Mark, { lon, lat }: Reading): void {
  mark.put({ lon, lat });
  // On a narrow page the foot tells the map's middle: the place stands there.
  const { top, right, bottom, left } = narrow() ? { ...margins(), left: 0, right: 0 } : margins();
  app.map.easeTo({ center: [lon, lat], zoom: Math.max(app.map.getZoom(), nearZoom), offset: [(left - right) / 2, (top - bottom) / 2], duration: 500 });
}

// showPlace goes to a place and draws its border, where the edition has it in the vintage
// that the page shows.
async function showPlace(app: App, place: Place): Promise<void> {
  const wanted = looking('selected');
  if (place.extent) fit(app.map, place.extent);
  const region = app.catalog.layers.find((l) => l.name === 'region');
  if (app.catalog.totalsOnly || !region || (vintage() && !region.vintages.includes(vintage()))) return;
  try {
    const feature = await get<Feature<Geometry | null>>(`features/region?code=${encodeURIComponent(place.code)}`);
    if (wanted() && feature.type === 'Feature' && feature.geometry) setShape(app.map, 'selected', feature.geometry);
  } catch (thrown) {
    if (wanted()) toastProblem(asProblem(thrown));
  }
}

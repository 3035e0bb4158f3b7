// The page: reads the tier from the address, asks for a token if one is needed,
// builds the map and installs the rooms.
//
// For tests and for the console: window.gengtu = {map, ready, drawPolygon}.

import type { Map as GLMap } from 'maplibre-gl';
import type { Position } from 'geojson';
import './words';
import type { App } from './app';
import { installAnalyses } from './analyses/install';
import { installAsk } from './ask/ask';
import { installCompare } from './compare/compare';
import { asProblem, onGeneration, onRefused, Problem, served, tier, tierGiven, tierUnknown, vintage } from './core/api';
import { loadCatalog, type Catalog } from './core/catalog';
import { $ } from './core/dom';
import { joined, label, lang, onLang, setLang, t, translatePage } from './core/i18n';
import { loadMe, may } from './core/me';
import { linkPart, readView, writeLink, writeView } from './core/link';
import { createAccount } from './edition/account';
import { noEdition } from './edition/editions';
import { createNotice } from './edition/notice';
import { tokenRefused } from './edition/refused';
import { addressOf, createTiers } from './edition/tiers';
import { askToken, keepPlaces, whyRefused } from './edition/token';
import { showWatermark } from './edition/watermark';
import { installDashboard } from './dashboard/dashboard';
import { installFeature } from './feature/feature';
import { installCopy } from './find/copy';
import { installFind } from './find/find';
import { createBase, isBaseError } from './map/base';
import { createLayerCard } from './map/card';
import { createDrawn } from './map/drawn';
import { createLayers } from './map/layers';
import { askStyle, beginMap, createMap, fit, styleOf } from './map/map';
import { lost, passing, recover } from './map/recover';
import { createStatus } from './map/status';
import { chooseVintage, createVintage } from './map/vintage';
import { leaveDrops, tellKept } from './shell/drops';
import { layersOpen, narrow, showLayers } from './shell/frame';
import { problemBox, toast, toastMayNot, toastProblem, toastReload } from './shell/messages';
import { preparePrint } from './print/printing';
import { addTool } from './shell/rail';
import { installShare } from './share/share';

// rooms are installed in this order, which is also that of their tools and of their parts
// of the address. A room that is heavy installs its tool here and loads the rest when it
// is asked for. Of two that answer a click on the map the first may take it.
const rooms: ((app: App) => void)[] = [installCompare, installAsk, installAnalyses, installDashboard, installFeature, installFind, installShare];

declare global {
  interface Window {
    gengtu: { map: GLMap | null; ready: Promise<void>; drawPolygon: (lngLats: Position[]) => Promise<unknown>; app?: App };
  }
}

const ready = start();
window.gengtu = {
  map: null,
  ready,
  drawPolygon: async (lngLats) => {
    await ready;
    const first = lngLats[0] ?? [];
    const last = lngLats.at(-1) ?? [];
    const ring = first[0] === last[0] && first[1] === last[1] ? lngLats : [...lngLats, first];
    return window.gengtu.app?.ask({ geometry: { type: 'Polygon', coordinates: [ring] } });
  },
};
// Whoever waits for ready sees the fault; the page has shown it already.
ready.catch(() => undefined);

onLang(() => {
  translatePage();
  document.title = tierUnknown ? t('app.name') : `${t('app.name')} · ${t(`tier.${tier}`)}`;
  $('lang').textContent = t('lang.other');
});
const tellFiles = (key: 'file.kept' | 'file.left') => (files: File[]) => void toast(t(key, { name: joined(files.map((f) => f.name)) }));
if (tierUnknown) leaveDrops(tellFiles('file.left'));
else tellKept(tellFiles('file.kept'));
createTiers();
const account = createAccount();
$('lang').addEventListener('click', () => setLang(lang() === 'zh' ? 'en' : 'zh'));
addTool({ id: 'layers-open', group: 'layers', icon: 'm12 4 8.5 4.5L12 13 3.5 8.5zM3.5 12.5l8.5 4.5 8.5-4.5M3.5 16.3l8.5 4.5 8.5-4.5', label: 'layers.title', controls: 'layers', run: () => showLayers(!layersOpen()) });
$('layers-close').addEventListener('click', () => { showLayers(false); $('layers-open').focus(); });
if (tierUnknown) for (const id of ['token-open', 'search', 'layers-open']) $(id).hidden = true; // there is nothing to ask

// start runs until the map stands there with its first tiles.
async function start(): Promise<void> {
  if (tierUnknown) await unknownEdition();
  const entered = enter();
  const made = Promise.resolve().then(() => createMap($('map'))); // while the catalogue is on its way
  made.catch(() => undefined); // awaited below
  const catalog = await entered;
  showWatermark();
  account.known();
  const notice = createNotice(catalog);
  $('search').hidden = !may('features');
  chooseVintage(catalog, vintage());
  const turning = createVintage(catalog);
  // Who may see no tiles has no layers to switch, and is told why the map is bare.
  $('layers-open').hidden = !may('tiles');
  showLayers(!narrow() && may('tiles'));
  if (!may('tiles')) toastMayNot('tiles');
  const map = await begun(made, catalog);
  window.gengtu.map = map;
  linkPart({ key: 'map', write: () => viewOf(map), read: (text) => { const v = readView(text); if (v) map.jumpTo({ center: [v.lon, v.lat], zoom: v.zoom }); } });
  const app = await layered(map, catalog);
  window.gengtu.app = app;
  turning(app.drawn, app.card);
  notice.again(map);
  createBase(map, catalog, () => notice.again(map));
  preparePrint(app);
  for (const install of rooms) install(app);
  installCopy(app, createStatus(map));
  zoomTools(map, catalog);
  map.on('moveend', writeLink);
  await new Promise<void>((resolve) => { void map.once('idle', () => resolve()); });
}

// begun waits for the map and its first tiles. A style that cannot be had now is asked for
// as often as the reader wants.
async function begun(made: Promise<GLMap>, catalog: Catalog): Promise<GLMap> {
  try {
    const map = await made;
    watch(map, catalog);
    for (;;) {
      try {
        await beginMap(map, catalog.extent);
        return map;
      } catch (thrown) {
        if (!(thrown instanceof Problem)) throw thrown;
        await new Promise<void>((again) => showFault(thrown, again));
      }
    }
  } catch (thrown) {
    showFault(new Error(t('error.webgl')));
    leaveDrops(tellFiles('file.left'));
    throw thrown;
  }
}

// layered gives the map its layers, in the page's vintage, and their card.
async function layered(map: GLMap, catalog: Catalog): Promise<App> {
  const style = await styleOf(vintage());
  const layers = createLayers(catalog, style);
  layers.changed(writeLink);
  const drawn = createDrawn(map, layers, { vintage: vintage(), style }, (thrown) => toastProblem(asProblem(thrown)));
  return {
    map, catalog, layers, drawn, card: createLayerCard(catalog, layers, vintage()), seen: () => drawn, beside: () => null,
    ask: () => Promise.reject(new Error('not installed')), show: () => Promise.reject(new Error('not installed')), mark: () => undefined, drawing: () => false, may,
  };
}

const viewOf = (map: GLMap): string => writeView({ zoom: map.getZoom(), lon: map.getCenter().lng, lat: map.getCenter().lat });

// enter reads the catalogue, asking for a token as often as it takes.
async function enter(): Promise<Catalog> {
  for (;;) {
    try {
      const catalog = await loadCatalog();
      askStyle(vintage()).catch(() => undefined); // asked for again, and told of, when the map begins
      await loadMe(catalog.services);
      return catalog;
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.status === 404 && !tierGiven && await otherTier()) await new Promise(() => undefined);
      const refused = problem.status === 401 || problem.status === 403;
      keepPlaces(problem.login);
      if (refused && await askToken(whyRefused(), problem.detail)) continue;
      if (problem.status === 404) await new Promise<void>((again) => void offerEditions(() => t('error.tier', { tier: t(`tier.${tier}`) }), again));
      else await new Promise<void>((again) => showFault(problem, again));
    }
  }
}

// otherTier leaves for the first tier that this server has, when the address
// names none; it returns whether there is one.
async function otherTier(): Promise<boolean> {
  const other = (await served()).find((name) => name !== tier);
  if (other) location.replace(addressOf(other));
  return other !== undefined;
}

// unknownEdition says that there is no edition of the name that the address gives, and
// which there are; the page goes no further.
async function unknownEdition(): Promise<never> {
  for (;;) await new Promise<void>((again) => void offerEditions(() => t('edition.unknown', { name: tierGiven }), again));
}

// offerEditions shows over the map which editions there are.
async function offerEditions(fault: () => string, again: () => void): Promise<void> {
  const { box, close } = await noEdition(fault, () => { close(); again(); });
  putFault(box);
}

// showFault shows over the map what is wrong, in the stead of what was before; again runs at
// the button. What the map has put into its element stays: it may be there already, and be
// needed once the fault is over.
function showFault(problem: Error, again?: () => void): void {
  const box = problemBox(problem, again && { label: t('retry'), run: () => { box.remove(); again(); } });
  putFault(box);
}

function putFault(box: HTMLElement): void {
  $('map').querySelector(':scope > .problem')?.remove();
  $('map').append(box);
}

function zoomTools(map: GLMap, catalog: Catalog): void {
  addTool({ id: 'zoom-in', group: 'zoom', icon: 'M12 6v12M6 12h12', label: 'zoom.in', run: () => map.zoomIn() });
  addTool({ id: 'zoom-out', group: 'zoom', icon: 'M6 12h12', label: 'zoom.out', run: () => map.zoomOut() });
  addTool({ id: 'zoom-fit', group: 'zoom', icon: 'M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4', label: 'zoom.fit', run: () => { if (catalog.extent) fit(map, catalog.extent); } });
  onLang(() => label(map.getCanvas(), t('map.label')));
}

// watch says when tiles fail, when a token ends, and when the data has changed.
function watch(map: GLMap, catalog: Catalog): void {
  onRefused(() => void tokenRefused());
  map.on('error', (event) => {
    const { error } = event;
    if (isBaseError(event)) return; // which base.ts says
    if ((error as { status?: number }).status === 401) {
      void tokenRefused();
    } else if (passing(event)) {
      recover(map, event);
    } else {
      lost();
    }
  });
  let noticed = false;
  onGeneration((generation) => {
    if (noticed || !catalog.generation || generation === catalog.generation) return;
    noticed = true;
    toastReload('notice.changed');
  });
}

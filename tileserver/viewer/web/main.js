// The page: reads the tier from the address, asks for a token if one is needed,
// builds the map and joins the parts.
//
// For tests and for the console: window.gengtu = {map, ready, drawPolygon}.

import { onGeneration, onRefused, probe, tier, tierGiven, tiers } from './api.js';
import { createBase } from './base.js';
import { loadCatalog } from './catalog.js';
import { $, problemBox, toast } from './dom.js';
import { createDraw } from './draw.js';
import { createFeature } from './feature.js';
import { lang, onLang, setLang, t, translatePage } from './i18n.js';
import { createLayers } from './layers.js';
import { createMap, fit, narrow } from './map.js';
import { createOverlay } from './overlay.js';
import { readLink, writeLink } from './permalink.js';
import { createPlaces } from './places.js';
import { showLayers } from './side.js';
import { createStatus } from './status.js';
import { addressOf, createTiers } from './tiers.js';
import { askToken, whyRefused } from './token.js';

let drawPolygon = null;
const ready = start();
window.gengtu = {
  map: null,
  ready,
  drawPolygon: async (lngLats) => { await ready; return drawPolygon(lngLats); },
};
// Whoever waits for ready sees the fault; the page has shown it already.
ready.catch(() => {});

onLang(() => {
  translatePage();
  document.title = `${t('app.name')} · ${t(`tier.${tier}`)}`;
  $('lang').textContent = t('lang.other');
});
createTiers();
$('lang').addEventListener('click', () => setLang(lang() === 'zh' ? 'en' : 'zh'));
$('token-open').addEventListener('click', async () => { if (await askToken('change')) location.reload(); });

// start runs until the map stands there with its first tiles.
async function start() {
  const catalog = await enter();
  showLayers(!narrow());
  let map;
  try {
    map = await createMap('map', catalog.extent);
  } catch (problem) {
    showFault(problem.words ? problem : new Error(t('error.webgl')));
    throw problem;
  }
  window.gengtu.map = map;
  const layers = createLayers(map, catalog, () => writeLink(map, layers.list));
  const draw = createDraw(map, (ring) => overlay.shape(ring).catch(ignoreShown));
  const overlay = createOverlay(map, catalog, () => draw.begin('polygon'));
  ({ drawPolygon } = overlay);
  createFeature(map, catalog, layers.list, draw.busy);
  createPlaces({
    show: (extent) => { if (extent) fit(map, extent); },
    measure: (place) => overlay.place(place).catch(ignoreShown),
  });
  const status = createStatus(map, catalog);
  createBase(map, catalog, status.notice);
  joinAddress(map, layers);
  joinButtons(map, catalog);
  watch(map, catalog);
  await new Promise((resolve) => map.once('idle', resolve));
}

// enter reads the catalogue, asking for a token as often as it takes.
async function enter() {
  for (;;) {
    try {
      return await loadCatalog();
    } catch (problem) {
      if (problem.status === 404 && !tierGiven && await otherTier()) return await new Promise(() => {});
      if (problem.status !== 401 && problem.status !== 403) {
        await new Promise((again) => { showFault(problem.status === 404 ? missingTier() : problem, again); });
      } else if (!await askToken(whyRefused())) {
        await new Promise((again) => { showFault(problem, again); });
      }
    }
  }
}

// otherTier leaves for the first tier that this server has, when the address
// names none; it returns whether there is one.
async function otherTier() {
  for (const name of tiers.filter((other) => other !== tier)) {
    if ([200, 401, 403].includes(await probe(name))) {
      location.replace(addressOf(name));
      return true;
    }
  }
  return false;
}

// ignoreShown ends a promise whose Problem the page has shown already.
function ignoreShown() {}

const missingTier = () => new Error(t('error.tier', { tier: t(`tier.${tier}`) }));

// showFault covers the map with what is wrong; again runs at the button.
function showFault(problem, again) {
  const box = problemBox(problem, again && { label: t('retry'), run: () => { $('map').replaceChildren(); again(); } });
  $('map').replaceChildren(box);
}

function joinAddress(map, layers) {
  const link = readLink();
  if (link.layers) layers.apply(link.layers);
  map.on('moveend', () => writeLink(map, layers.list));
  window.addEventListener('hashchange', () => {
    const next = readLink();
    if (next.layers) layers.apply(next.layers);
    if (next.zoom !== undefined) map.jumpTo({ center: [next.lon, next.lat], zoom: next.zoom });
  });
}

function joinButtons(map, catalog) {
  $('zoom-in').addEventListener('click', () => map.zoomIn());
  $('zoom-out').addEventListener('click', () => map.zoomOut());
  $('zoom-fit').addEventListener('click', () => { if (catalog.extent) fit(map, catalog.extent); });
  onLang(() => map.getCanvas().setAttribute('aria-label', t('map.label')));
}

$('layers-open').addEventListener('click', () => showLayers($('layers').hidden));
$('layers-close').addEventListener('click', () => { showLayers(false); $('layers-open').focus(); });

// watch says when tiles fail, when a token ends, and when the data has changed.
function watch(map, catalog) {
  let told = false;
  const refused = async () => { if (await askToken(whyRefused())) location.reload(); };
  onRefused(refused);
  map.on('error', ({ error }) => {
    if (error?.status === 401) {
      refused();
    } else if (!told) {
      told = true;
      toast(t('error.tiles'), { label: t('reload'), run: () => location.reload() });
    }
  });
  let noticed = false;
  onGeneration((generation) => {
    if (noticed || !catalog.generation || generation === catalog.generation) return;
    noticed = true;
    toast(t('notice.changed'), { label: t('reload'), run: () => location.reload() });
  });
}

// Asking by shape: drawing one, picking a place or opening a file, and the report of what
// lies in it. The room ask sends shapes and shows what the server answers; it never measures
// what lies in one, and never asks a question that has no shape. What shows answers is loaded
// when something is first asked.

import type { App } from '../app';
import { asProblem } from '../core/api';
import { t } from '../core/i18n';
import { toast, toastMayNot, toastProblem } from '../shell/messages';
import { createDraw } from './draw';
import { createDrop } from './drop';
import type { Panel } from './panel';

// installAsk adds the tools of asking and answers app.ask.
export function installAsk(app: App): void {
  let panel: Panel | null = null;
  let loading: Promise<Panel> | null = null;
  const load = (): Promise<Panel> => {
    loading ??= import('./panel').then(({ createPanel }) => (panel = createPanel(app, () => draw.begin('polygon'), choose)), (cause: unknown) => {
      loading = null; // the next try asks again
      toast(t('error.network'));
      throw cause;
    });
    return loading;
  };
  // For work that shows itself what goes wrong.
  const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);

  // A place is picked by the regions of the map's tiles.
  const places = () => app.may('overlay') && app.may('tiles') && app.catalog.layers.some((l) => l.name === 'region');
  const draw = createDraw(app.map, places, {
    begun: () => panel?.close(),
    finished: (geometry) => quietly(app.ask({ geometry })),
    picked: (at, signal) => void import('./panel').then(({ pickPlace }) => pickPlace(app.map, at, signal, (place) => {
      draw.stop();
      quietly(app.ask({ place: place.code, name: place.name }));
    })).catch((thrown: unknown) => { if (!signal.aborted) toastProblem(asProblem(thrown)); }),
  });
  const choose = createDrop((files) => {
    if (!app.may('overlay')) { toastMayNot('overlay'); return; }
    draw.stop();
    quietly(load().then((p) => p.files(files)));
  });
  app.ask = async (what) => (await load()).ask(what);

  // The room's handler runs before those of rooms that are installed later, so that they
  // know whose the click is.
  let taken = false;
  app.map.on('click', (e) => { taken = !draw.busy() && (panel?.taken(e.point) ?? false); });
  app.drawing = () => draw.busy() || taken;
}

// Asking by shape: drawing one, and the report of what lies in it.

import type { App } from '../app';
import { createDraw } from './draw';
import { createOverlay } from './overlay';

// installAsk adds the tools of drawing and answers app.ask.
export function installAsk(app: App): void {
  const overlay = createOverlay(app.map, app.catalog, () => draw.begin('polygon'));
  const draw = createDraw(app.map, {
    begun: () => overlay.close(),
    // The page has shown what is wrong.
    finished: (ring: number[][]) => void app.ask({ geometry: { type: 'Polygon', coordinates: [ring] } }).catch(() => undefined),
  });
  app.ask = (what) => overlay.run(what);
  app.drawing = draw.busy;
}

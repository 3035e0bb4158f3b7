// Finding: the search box.

import type { App } from '../app';
import { fit } from '../map/map';
import type { Extent } from '../core/catalog';
import { createPlaces } from './places';

// installFind wires the search box.
export function installFind(app: App): void {
  createPlaces({
    show: (extent: Extent | null) => { if (extent) fit(app.map, extent); },
    // The page has shown what is wrong.
    measure: (place: { code: string; name: string }) => void app.ask({ place: place.code, name: place.name }).catch(() => undefined),
  });
}

// Tiles that did not come because the server was away, or had no answer then: said once,
// and asked for again when it is back. A reader loses neither the view nor what is open.

import type { ErrorEvent, Map as GLMap } from 'maplibre-gl';
import { get } from '../core/api';
import { t } from '../core/i18n';
import { toast } from '../shell/messages';

// firstMs is the pause before the server is asked whether it is back; each in vain is twice
// as long, up to longestMs.
const firstMs = 1000;
const longestMs = 30_000;

// TileError is what MapLibre tells of a tile that could not be had.
type TileError = ErrorEvent & { sourceId: string; tile: { tileID: { canonical: { z: number; x: number; y: number } } } };

const failed = new Map<GLMap, TileError[]>();
let waiting = false;
let pauseMs = firstMs;
let shut: () => void = () => undefined; // takes the message away

// passing tells whether an error of a map is of a tile that may come later: there was no
// answer, or one that says so.
export function passing(event: ErrorEvent): event is TileError {
  const { status } = event.error as { status?: number };
  return 'sourceId' in event && 'tile' in event && (!status || status === 429 || status >= 500);
}

// recover says that a tile of a map is missing, and brings it once the server answers again.
export function recover(map: GLMap, event: TileError): void {
  failed.set(map, [...failed.get(map) ?? [], event]);
  if (waiting) return;
  waiting = true;
  shut = toast(t('error.tiles.away'), { label: t('reload'), run: () => location.reload() });
  void answered().then(() => { waiting = false; bring(); });
}

// forget lets a map go, which is taken away.
export const forget = (map: GLMap): void => void failed.delete(map);

// answered resolves when the server answers. An answer that is a refusal is told by whoever
// listens for those.
async function answered(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, pauseMs); });
    pauseMs = Math.min(2 * pauseMs, longestMs);
    try {
      await get('catalog');
      return;
    } catch {
      // Not back: asked again. The message stands there meanwhile.
    }
  }
}

// bring asks for the tiles that are missing again. Where some fail once more, recover is called once
// more, and the pauses grow; else the message goes.
function bring(): void {
  const maps = [...failed];
  failed.clear();
  const drawn = maps.map(([map, events]) => {
    // Each by its name: of all tiles of a source MapLibre leaves those that failed for ever on their way.
    for (const { sourceId, tile } of events) if (map.getSource(sourceId)) map.refreshTiles(sourceId, [tile.tileID.canonical]);
    map.triggerRepaint(); // also where none of them is in view any more
    return new Promise<void>((resolve) => { void map.once('idle', () => resolve()); });
  });
  void Promise.all(drawn).then(() => {
    if (waiting) return;
    pauseMs = firstMs;
    shut();
    toast(t('error.tiles.back'));
  });
}

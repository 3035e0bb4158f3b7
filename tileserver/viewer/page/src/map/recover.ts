// Tiles that did not come because the server was away, or had no answer then: said once,
// and asked for again when it is back. A reader loses neither the view nor what is open. What
// does not come from a server that answers is said to be missing, once, and left.

import type { ErrorEvent, Map as GLMap } from 'maplibre-gl';
import { asProblem, get } from '../core/api';
import { t } from '../core/i18n';
import { toast, toastReload } from '../shell/messages';

// firstMs is the pause before the server is asked whether it is back; each in vain is twice
// as long, up to longestMs.
const firstMs = 1000;
const longestMs = 30_000;

// TileError is what MapLibre tells of a tile that could not be had.
type TileError = ErrorEvent & { sourceId: string; tile: { tileID: { canonical: { z: number; x: number; y: number } } } };

// Fate is what has become of a tile that failed: it waits for the server, is asked for again,
// waits once more, or is given up until the server has been away.
type Fate = 'waiting' | 'asked' | 'again' | 'lost';

// Missing is such a tile.
interface Missing { sourceId: string; canonical: TileError['tile']['tileID']['canonical']; fate: Fate }

// missing are those of each map, by source/z/x/y. What came at last is taken out.
const missing = new Map<GLMap, Map<string, Missing>>();
let waiting = false;
let round = 0; // of asking for tiles again
let pauseMs = firstMs;
let shut: () => boolean = () => false; // takes the message away, if it still stands
let away = false; // which is said of what is waited for
let given = false; // up a tile, which is not said yet
let told = false;

// passing tells whether an error of a map is of a tile that may come later: there was no answer
// (which MapLibre gives the status 0), or one that says so. A tile that cannot be read has no
// status, and is none of these; nor is one that the server has failed in.
export function passing(event: ErrorEvent): event is TileError {
  const { status } = event.error as { status?: number };
  return 'sourceId' in event && 'tile' in event && status !== undefined && [0, 429, 502, 503, 504].includes(status);
}

// lost says, once, that a part of the map will not come.
export function lost(): void {
  if (!told) giveUp();
}

// giveUp says so whatever was said before: it takes the place of the message that stood.
function giveUp(): void {
  told = true;
  given = false;
  toastReload('error.tiles');
}

// sayAway says once in a time of waiting that the server is away.
function sayAway(): void {
  if (away) return;
  away = true;
  shut = toastReload('error.tiles.away');
}

// recover says that a tile of a map is missing, and brings it once the server answers again. A
// tile that fails once more, while the server was there all the time, is not asked for any more;
// MapLibre does so when it comes into view anew, and where it fails then nothing is said unless the
// server is found away.
export function recover(map: GLMap, { sourceId, tile: { tileID: { canonical } } }: TileError): void {
  const tiles = missing.get(map) ?? new Map<string, Missing>();
  missing.set(map, tiles);
  const key = [sourceId, canonical.z, canonical.x, canonical.y].join('/');
  const before = tiles.get(key)?.fate;
  if (before !== 'lost') {
    tiles.set(key, { sourceId, canonical, fate: !before || before === 'waiting' ? 'waiting' : 'again' });
    sayAway();
  }
  if (waiting) return;
  waiting = true;
  void answered().then((found) => {
    waiting = away = false;
    if (found === 'refused') refused();
    else bring(found === 'away');
  });
}

// forget lets a map go, which is taken away.
export const forget = (map: GLMap): void => void missing.delete(map);

// answered waits for an answer of the server, and tells how it found it: there all the time, away
// until now, or refusing the page what it asks for (400–499 but 429).
async function answered(): Promise<'there' | 'away' | 'refused'> {
  for (let tries = 0; ; tries++) {
    await new Promise((resolve) => { setTimeout(resolve, pauseMs); });
    pauseMs = Math.min(2 * pauseMs, longestMs);
    try {
      await get('catalog');
      return tries ? 'away' : 'there';
    } catch (thrown) {
      const { status } = asProblem(thrown);
      if (status >= 400 && status < 500 && status !== 429) return 'refused';
      sayAway(); // Not back: asked again. The message stands there meanwhile.
    }
  }
}

// refused ends the waiting for a server that is there and lets the page have nothing: a
// reader who is logged out is asked to log in by whoever listens for that (api.ts).
function refused(): void {
  missing.clear();
  pauseMs = firstMs;
  shut();
  giveUp();
}

// bring asks for the tiles that are missing again; those that had been asked for before it gives
// up, unless the server was away meanwhile: then it asks for those given up, too. Where some fail,
// recover is called once more, and the pauses grow; else the message goes, which is said where it
// stood until then.
function bring(wasAway: boolean): void {
  const mine = ++round;
  given &&= !wasAway;
  letGo();
  const drawn = [...missing].map(([map, tiles]) => {
    let asked = false;
    for (const tile of tiles.values()) {
      if (wasAway) tile.fate = 'waiting';
      else if (tile.fate === 'again') { tile.fate = 'lost'; given = true; }
      if (tile.fate !== 'waiting') continue;
      tile.fate = 'asked';
      asked = true;
      // Each by its name: of all tiles of a source MapLibre leaves those that failed for ever on their way.
      if (map.getSource(tile.sourceId)) map.refreshTiles(tile.sourceId, [tile.canonical]);
    }
    return asked ? settled(map) : Promise.resolve();
  });
  void Promise.all(drawn).then(() => {
    if (waiting || mine !== round) return;
    pauseMs = firstMs;
    letGo();
    const stood = shut();
    if (given) giveUp();
    else if (stood) toast(t('error.tiles.back'));
  });
}

// letGo takes out the tiles that were asked for and have not failed since.
function letGo(): void {
  for (const tiles of missing.values()) for (const [key, { fate }] of tiles) if (fate === 'asked') tiles.delete(key);
}

// settled resolves when a map has drawn what it can have, or is taken away.
function settled(map: GLMap): Promise<void> {
  return new Promise<void>((resolve) => {
    const end = () => {
      map.off('idle', end);
      map.off('remove', end);
      resolve();
    };
    map.on('idle', end);
    map.on('remove', end);
    map.triggerRepaint(); // also where none of them is in view any more
  });
}

// The words of all rooms, brought together above them: main.ts imports this before any room.

import type { analysesWords } from './analyses/words';
import { askWords } from './ask/words';
import type { chartWords } from './charts/words';
import { compareWords } from './compare/words';
import { addWords } from './core/words';
import type { dashboardWords } from './dashboard/words';
import { editionWords } from './edition/words';
import { featureWords } from './feature/words';
import type { fileWords } from './files/words';
import { findWords } from './find/words';
import { mapWords } from './map/words';
import { printWords } from './print/words';
import type { shareWords } from './share/words';

declare module './core/words' {
  interface Lists {
    ask: typeof askWords; compare: typeof compareWords; edition: typeof editionWords; feature: typeof featureWords; find: typeof findWords; map: typeof mapWords; print: typeof printWords;
    // Rooms that are loaded when they are asked for add their own texts.
    analyses: typeof analysesWords; charts: typeof chartWords; dashboard: typeof dashboardWords; files: typeof fileWords; share: typeof shareWords;
  }
}

for (const list of [askWords, compareWords, editionWords, featureWords, findWords, mapWords, printWords]) addWords(list);

// An alternative for a site.

import type { Answer, Asked } from './answer';

// Alternative is a measured shape that was kept: its number from 0, its name, its colour on
// the map, what was asked and the figures.
export interface Alternative { n: number; name: string; ink: string; asked: Asked; answer: Answer }

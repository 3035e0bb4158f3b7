// What the parts of a report reach of the room.

import type { App } from '../app';
import type { Answer, Asked } from './answer';
import type { Pieces } from './pieces';

export interface Context {
  readonly app: App;
  readonly pieces: Pieces;
  // redraw begins another drawing.
  redraw: () => void;
  // keep takes what was measured among the alternatives; nextName is what it will be called.
  keep: (asked: Asked, answer: Answer) => void;
  nextName: () => string;
  // reshape lets the corners of a shape be changed, where it has few enough, or ends that;
  // unshape takes the last change back, null where there is none.
  canReshape: (asked: Asked) => boolean;
  reshape: (asked: Asked) => void;
  reshaping: () => boolean;
  unshape: () => (() => void) | null;
}

// The picture of the map for paper.

import type { Map as GLMap } from 'maplibre-gl';
import type { App } from '../app';
import { h } from '../core/dom';
import { t } from '../core/i18n';

// Picture is what the map shows, and words for it.
export interface Picture { canvas: HTMLCanvasElement; text: string }

// pictureOf draws the map and copies what it shows, with both sides where two vintages are
// compared.
export function pictureOf({ map, beside }: App): Picture {
  const other = beside();
  const text = other ? t('print.map.sides', { left: other.left, right: other.right }) : t('print.map');
  const canvas = copied(map, text);
  if (other) over(canvas, drawnOn(other.map), other.at);
  return { canvas, text };
}

// drawnOn is a map's canvas with what it shows, until the end of the task.
function drawnOn(map: GLMap): HTMLCanvasElement {
  map.redraw();
  return map.getCanvas();
}

function copied(map: GLMap, text: string): HTMLCanvasElement {
  const from = drawnOn(map);
  const canvas = h('canvas', { width: from.width, height: from.height, role: 'img', 'aria-label': text });
  canvas.getContext('2d')?.drawImage(from, 0, 0);
  return canvas;
}

// over lays a picture over the left of another as far as at, in percent of the width, and a
// line between them.
function over(right: HTMLCanvasElement, left: HTMLCanvasElement, at: number): void {
  const draw = right.getContext('2d');
  if (!draw) throw new Error('no canvas of two dimensions');
  const { width, height } = right;
  const edge = Math.round((width * at) / 100);
  if (edge > 0) draw.drawImage(left, 0, 0, (left.width * at) / 100, left.height, 0, 0, edge, height);
  draw.fillStyle = '#ffffff';
  draw.fillRect(edge - 2, 0, 4, height);
}

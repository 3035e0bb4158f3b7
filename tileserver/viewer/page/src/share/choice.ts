// What the user has chosen to copy addresses and code of.

// Grid is w, Web Mercator, or c, Tianditu's CGCS2000 grid.
export type Grid = 'w' | 'c';

// Choice is what addresses are made for.
export interface Choice {
  base: string; // the tier's address, without a slash at its end
  names: string[]; // layers, at least one
  group: boolean; // the product's own layers together, which addresses call all
  grid: Grid;
  vintage: string; // '' for the latest
  token: string; // '' to leave it out
  centre: [lon: number, lat: number];
  zoom: number; // of 512-pixel tiles, whole
  maxzoom: number;
  looks: Record<string, Look>; // of layers, for code that draws
}

// Look is how a layer is drawn: colours as #rrggbb, the fill's opacity from 0 to 1.
export interface Look { fill: string; opacity: number; line: string }

// Stands for maplibre-gl in tests: the names that the page's modules import, doing nothing.
export class Map { readonly stub = true; }
export class Marker { readonly stub = true; }
export class Popup { readonly stub = true; }
export class LngLatBounds { readonly stub = true; }
export const setWorkerUrl = (): void => undefined;
export const prewarm = (): void => undefined;

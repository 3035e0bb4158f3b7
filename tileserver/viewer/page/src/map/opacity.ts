// Opacity of a layer, on top of what its style says.

// opacityProperties are the paint properties that make a style layer fainter, by its type.
export const opacityProperties: Readonly<Record<string, readonly string[]>> = {
  fill: ['fill-opacity'], line: ['line-opacity'], symbol: ['text-opacity', 'icon-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'], raster: ['raster-opacity'],
};

// scaled returns a style value for an opacity, multiplied by factor. Values that
// depend on the zoom are multiplied at each stop, since ["zoom"] may only stand
// at the outside of an expression.
export function scaled(value: unknown, factor: number): unknown {
  if (value === undefined || value === null) return factor;
  if (typeof value === 'number') return value * factor;
  if (Array.isArray(value)) {
    const [operator] = value as unknown[];
    const firstOutput = operator === 'step' ? 2 : 4;
    if ((operator === 'step' || operator === 'interpolate') && JSON.stringify(value[firstOutput === 2 ? 1 : 2]) === '["zoom"]') {
      return value.map((v: unknown, i) => (i >= firstOutput && (i - firstOutput) % 2 === 0 ? scaled(v, factor) : v));
    }
    return ['*', factor, value];
  }
  const { stops = [], ...rest } = value as { stops?: [number, unknown][] };
  return { ...rest, stops: stops.map(([at, v]) => [at, scaled(v, factor)]) };
}

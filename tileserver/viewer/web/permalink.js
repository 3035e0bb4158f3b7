// The part of the address after #: map=zoom/lat/lon and layers=name[:percent],…
// (the layers that are switched on). Latitude stands first there, as in the
// addresses of other web maps; everywhere else longitude does.

// readLink returns {zoom, lon, lat, layers: Map(name → opacity) | null}; what is
// missing or cannot be read is undefined or null.
export function readLink(hash = location.hash) {
  const parts = new URLSearchParams(hash.slice(1));
  const link = { layers: null };
  const [zoom, lat, lon] = (parts.get('map') ?? '').split('/').map(Number.parseFloat);
  if ([zoom, lat, lon].every(Number.isFinite) && zoom >= 0 && zoom <= 24 && Math.abs(lat) <= 85 && Math.abs(lon) <= 180) {
    Object.assign(link, { zoom, lon, lat });
  }
  if (parts.has('layers')) {
    link.layers = new Map();
    for (const item of parts.get('layers').split(',').filter(Boolean)) {
      const [name, percent] = item.split(':');
      const opacity = percent === undefined ? 1 : Number.parseFloat(percent) / 100;
      link.layers.set(name, opacity >= 0 && opacity <= 1 ? opacity : 1);
    }
  }
  return link;
}

// writeLink puts the map's view and the layers' state into the address, without
// a new entry in the browser's history.
export function writeLink(map, layers) {
  const { lng, lat } = map.getCenter();
  const digits = Math.max(3, Math.ceil(map.getZoom() / 3));
  const on = layers.filter((l) => l.visible).map((l) => (l.opacity < 1 ? `${encodeURIComponent(l.name)}:${Math.round(l.opacity * 100)}` : encodeURIComponent(l.name)));
  const hash = `#map=${map.getZoom().toFixed(2)}/${lat.toFixed(digits)}/${lng.toFixed(digits)}&layers=${on.join(',')}`;
  history.replaceState(null, '', location.pathname + location.search + hash);
}

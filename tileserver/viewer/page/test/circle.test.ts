import assert from 'node:assert/strict';
import test from 'node:test';
import type { Position } from 'geojson';
import { circle, circleVertices, destination, distance } from '../src/ask/geodesic';
import { radiusTo, rectangleOf, sketch } from '../src/ask/sketch';

// Direct geodesics by Karney's algorithm (GeographicLib 2.2) on the ellipsoid of CGCS2000:
// longitude, latitude, azimuth, metres, longitude and latitude of the end.
const direct: [number, number, number, number, number, number][] = [
  [108.64, 34.33, 0, 1000, 108.64, 34.339014820534],
  [108.64, 34.33, 73.5, 12345.6, 108.768677116871, 34.361541370572],
  [108.64, 34.33, 271, 100000, 107.553354691966, 34.340912145248],
  [105, 0, 90, 50000, 105.44915764206, 0],
  [123, 53.5, 359, 1, 122.999999737, 53.500008983708],
  [109.5, 18.2, 180, 80000, 109.5, 17.477186155532],
];

test('geodesics agree with GeographicLib to 0.1 mm', () => {
  for (const [lon, lat, azimuth, metres, lon2, lat2] of direct) {
    const [x = NaN, y = NaN] = destination([lon, lat], azimuth, metres);
    assert.ok(Math.abs(x - lon2) < 1e-9 && Math.abs(y - lat2) < 1e-9, `${lon} ${lat} ${azimuth} ${metres}: got ${x} ${y}, want ${lon2} ${lat2}`);
    const back = distance([lon, lat], [lon2, lat2]);
    assert.ok(Math.abs(back - metres) < 1e-4, `distance: got ${back}, want ${metres}`);
  }
  assert.equal(distance([108, 34], [108, 34]), 0);
  assert.ok(Number.isNaN(distance([0, 0], [179.9, 0])), 'nearly antipodal places have no answer');
});

// True areas of geodesic circles, by GeographicLib's polygon of 20,000 corners.
const areas: [number, number, number, number][] = [
  [108.64, 34.33, 500, 785398.1504068724], [108.64, 34.33, 20000, 1256636008.5586166],
  [123, 53.5, 100000, 31415283732.239933], [109.5, 18.2, 100000, 31415278985.471245],
];

// areaOf is the area of a ring whose edges are straight in longitude and the equal-area
// latitude, as answers have them.
function areaOf(ring: Position[]): number {
  const [a, f] = [6378137, 1 / 298.257222101];
  const e = Math.sqrt(f * (2 - f));
  const q = (lat: number) => {
    const s = Math.sin(lat * Math.PI / 180);
    return (1 - e * e) * (s / (1 - e * e * s * s) + Math.atanh(e * s) / e);
  };
  const q0 = q(ring[0]?.[1] ?? NaN);
  let sum = 0;
  for (let i = 1; i < ring.length; i++) {
    const [[x1 = NaN, y1 = NaN], [x2 = NaN, y2 = NaN]] = [ring[i - 1] ?? [], ring[i] ?? []];
    sum -= (x2 - x1) * (q(y1) - q0 + (q(y2) - q0)) / 2;
  }
  return sum * Math.PI / 180 * a * a / 2;
}

test('a circle has its area to 1e-4, a little less, counterclockwise, each corner at the radius', () => {
  for (const [lon, lat, radius, want] of areas) {
    const ring = circle([lon, lat], radius);
    assert.equal(ring.length, circleVertices + 1);
    assert.deepEqual(ring[0], ring.at(-1), 'closed');
    const short = 1 - areaOf(ring) / want;
    assert.ok(short > 4e-5 && short < 1e-4, `radius ${radius} at ${lat}: ${short} of the area is missing`);
    for (const corner of ring) assert.ok(Math.abs(distance([lon, lat], corner) - radius) < 1e-4, `${corner.join()} is ${distance([lon, lat], corner)} m away`);
  }
});

test('the radius that is shown is the one that is drawn', () => {
  const centre = [108.64, 34.33];
  const cursor = [108.6454321, 34.3312345];
  const radiusM = radiusTo(centre, cursor);
  assert.equal(radiusM, Math.round(10 * distance(centre, cursor)) / 10);
  const [, , edge] = sketch({ mode: 'circle', points: [centre], cursor, radiusM }).features;
  assert.deepEqual((edge?.geometry as { coordinates: Position[] }).coordinates, circle(centre, radiusM));
  assert.equal(sketch({ mode: 'circle', points: [centre], cursor: null, radiusM: 0 }).features.length, 1, 'no radius, no circle');
});

test('a rectangle begins west south', () => assert.deepEqual(rectangleOf([2, 1], [0, 3]), [[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]));

// Geodesics on the ellipsoid of CGCS2000: Vincenty's formulae (Survey Review 23, 1975),
// exact to a tenth of a millimetre for the distances of circles on a map. Positions are
// longitude, latitude in degrees; azimuths are clockwise from north, in degrees; distances
// are metres.

import type { Position } from 'geojson';
import { flattening as f, semiMajor as a } from '../core/zones';

const b = a * (1 - f);

const rad = Math.PI / 180;

// atMost bounds the iterations; places that are not nearly antipodal need fewer than ten.
const atMost = 200;

// coefficients are A and B of Vincenty's series for u² = cos²α·e'².
function coefficients(cos2Alpha: number): [number, number] {
  const u2 = cos2Alpha * (a * a - b * b) / (b * b);
  return [1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2))), u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))];
}

// deltaSigma corrects the arc σ on the auxiliary sphere; m is cos(2σm).
function deltaSigma(B: number, sin: number, cos: number, m: number): number {
  return B * sin * (m + B / 4 * (cos * (2 * m * m - 1) - B / 6 * m * (4 * sin * sin - 3) * (4 * m * m - 3)));
}

// lonDifference is by how much the longitude on the ellipsoid falls short of that on the sphere.
function lonDifference(sinAlpha: number, cos2Alpha: number, sigma: number, m: number): number {
  const C = f / 16 * cos2Alpha * (4 + f * (4 - 3 * cos2Alpha));
  return (1 - C) * f * sinAlpha * (sigma + C * Math.sin(sigma) * (m + C * Math.cos(sigma) * (2 * m * m - 1)));
}

// destination returns the place at a distance from another, by the azimuth there.
export function destination([lon = NaN, lat = NaN]: Position, azimuth: number, metres: number): Position {
  const [sin1, cos1] = [Math.sin(azimuth * rad), Math.cos(azimuth * rad)];
  const tanU = (1 - f) * Math.tan(lat * rad);
  const cosU = 1 / Math.hypot(1, tanU);
  const sinU = tanU * cosU;
  const sigma1 = Math.atan2(tanU, cos1);
  const sinAlpha = cosU * sin1;
  const cos2Alpha = 1 - sinAlpha * sinAlpha;
  const [A, B] = coefficients(cos2Alpha);
  let sigma = metres / (b * A);
  for (let i = 0; i < atMost; i++) {
    const before = sigma;
    sigma = metres / (b * A) + deltaSigma(B, Math.sin(sigma), Math.cos(sigma), Math.cos(2 * sigma1 + sigma));
    if (Math.abs(sigma - before) < 1e-14) break;
  }
  const [sin, cos] = [Math.sin(sigma), Math.cos(sigma)];
  const far = sinU * sin - cosU * cos * cos1;
  const lat2 = Math.atan2(sinU * cos + cosU * sin * cos1, (1 - f) * Math.hypot(sinAlpha, far));
  const lambda = Math.atan2(sin * sin1, cosU * cos - sinU * sin * cos1);
  return [lon + (lambda - lonDifference(sinAlpha, cos2Alpha, sigma, Math.cos(2 * sigma1 + sigma))) / rad, lat2 / rad];
}

// distance returns the metres between two places; NaN where they are so nearly antipodal
// that the formula finds no answer.
export function distance([lon1 = NaN, lat1 = NaN]: Position, [lon2 = NaN, lat2 = NaN]: Position): number {
  const U = (lat: number) => Math.atan((1 - f) * Math.tan(lat * rad));
  const [sinU1, cosU1, sinU2, cosU2] = [Math.sin(U(lat1)), Math.cos(U(lat1)), Math.sin(U(lat2)), Math.cos(U(lat2))];
  const L = (lon2 - lon1) * rad;
  let lambda = L;
  for (let i = 0; i < atMost; i++) {
    const [sinL, cosL] = [Math.sin(lambda), Math.cos(lambda)];
    const sin = Math.hypot(cosU2 * sinL, cosU1 * sinU2 - sinU1 * cosU2 * cosL);
    if (sin === 0) return 0;
    const cos = sinU1 * sinU2 + cosU1 * cosU2 * cosL;
    const sigma = Math.atan2(sin, cos);
    const sinAlpha = cosU1 * cosU2 * sinL / sin;
    const cos2Alpha = 1 - sinAlpha * sinAlpha;
    const m = cos2Alpha === 0 ? 0 : cos - 2 * sinU1 * sinU2 / cos2Alpha; // along the equator
    const before = lambda;
    lambda = L + lonDifference(sinAlpha, cos2Alpha, sigma, m);
    if (Math.abs(lambda - before) < 1e-14) {
      const [A, B] = coefficients(cos2Alpha);
      return b * A * (sigma - deltaSigma(B, sin, cos, m));
    }
  }
  return NaN;
}

// circleVertices is how many corners a circle is measured with. A polygon of n corners on
// a circle lacks 1 − sin(2π/n)·n/2π ≈ (2π/n)²/6 of its area: 5.1e-5 with 360, one a degree
// of azimuth; 257 would be the least for 1e-4.
export const circleVertices = 360;

// circle returns the closed ring of a circle around a place, counterclockwise from north;
// every corner lies at the radius along the geodesic.
export function circle(centre: Position, radiusM: number): Position[] {
  const ring: Position[] = [];
  for (let i = 0; i < circleVertices; i++) ring.push(rounded(destination(centre, -360 * i / circleVertices, radiusM)));
  return [...ring, [...(ring[0] ?? [])]];
}

// rounded keeps 10 decimals of a degree, 0.01 mm, as the server does.
const rounded = (at: Position): Position => at.map((v) => Math.round(v * 1e10) / 1e10);

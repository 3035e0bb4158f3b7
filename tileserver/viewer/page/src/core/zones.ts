// Gauss-Krüger zones on the ellipsoid of CGCS2000 (GB 22021-2008): degrees to metres of a
// zone and back, as index/geo does it. Neighbour of the server's own arithmetic, so that a
// figure at the foot of the map is the one that a survey would write.

// Zone is one strip of the survey's plane: 3° wide with the numbers 25 to 45, or 6° wide
// with 13 to 23; meridian is its central one, degrees.
export interface Zone { width: 3 | 6; number: number; meridian: number }

// Plane is a place in a zone, metres: northing from the equator (the surveyor's X), easting
// with 500 000 on the central meridian and without the zone's number (his Y).
export interface Plane { northing: number; easting: number }

// LonLat is a place in degrees of CGCS2000.
export interface LonLat { lon: number; lat: number }

// falseEasting is the easting on a central meridian, numberFactor what a zone's number is
// multiplied by where it stands before the easting.
export const falseEasting = 500_000;
export const numberFactor = 1_000_000;

// The ellipsoid of CGCS2000: semi-major axis, metres, and flattening.
export const semiMajor = 6_378_137;
export const flattening = 1 / 298.257222101;

const degree = Math.PI / 180;

// n is the third flattening (a-b)/(a+b), in whose powers the series stand.
const n = flattening / (2 - flattening);
const [n2, n3, n4, n5, n6] = [n ** 2, n ** 3, n ** 4, n ** 5, n ** 6];

// radius is that of the circle as long as the meridian: Karney 2011, equation 14.
const radius = (semiMajor / (1 + n)) * (1 + n2 / 4 + n4 / 64 + n6 / 256);

// Series are the coefficients of sin 2x, sin 4x … sin 12x.
type Series = readonly [number, number, number, number, number, number];

// The transverse Mercator projection to the sixth order: C. F. F. Karney, Transverse Mercator
// with an accuracy of a few nanometers, J. Geodesy 85 (2011), equations 35 and 36.
const toPlaneSeries: Series = [
  n / 2 - (2 * n2) / 3 + (5 * n3) / 16 + (41 * n4) / 180 - (127 * n5) / 288 + (7891 * n6) / 37800,
  (13 * n2) / 48 - (3 * n3) / 5 + (557 * n4) / 1440 + (281 * n5) / 630 - (1983433 * n6) / 1935360,
  (61 * n3) / 240 - (103 * n4) / 140 + (15061 * n5) / 26880 + (167603 * n6) / 181440,
  (49561 * n4) / 161280 - (179 * n5) / 168 + (6601661 * n6) / 7257600,
  (34729 * n5) / 80640 - (3418889 * n6) / 1995840,
  (212378941 * n6) / 319334400,
];
const fromPlaneSeries: Series = [
  n / 2 - (2 * n2) / 3 + (37 * n3) / 96 - n4 / 360 - (81 * n5) / 512 + (96199 * n6) / 604800,
  n2 / 48 + n3 / 15 - (437 * n4) / 1440 + (46 * n5) / 105 - (1118711 * n6) / 3870720,
  (17 * n3) / 480 - (37 * n4) / 840 - (209 * n5) / 4480 + (5569 * n6) / 90720,
  (4397 * n4) / 161280 - (11 * n5) / 504 - (830251 * n6) / 7257600,
  (4583 * n5) / 161280 - (108847 * n6) / 3991680,
  (20648693 * n6) / 638668800,
];

// The conformal latitude less the geodetic one, and the reverse: Karney, On auxiliary
// latitudes, Survey Review 56 (2024), table A5.
const toConformal: Series = [
  -2 * n + (2 * n2) / 3 + (4 * n3) / 3 - (82 * n4) / 45 + (32 * n5) / 45 + (4642 * n6) / 4725,
  (5 * n2) / 3 - (16 * n3) / 15 - (13 * n4) / 9 + (904 * n5) / 315 - (1522 * n6) / 945,
  (-26 * n3) / 15 + (34 * n4) / 21 + (8 * n5) / 5 - (12686 * n6) / 2835,
  (1237 * n4) / 630 - (12 * n5) / 5 - (24832 * n6) / 14175,
  (-734 * n5) / 315 + (109598 * n6) / 31185,
  (444337 * n6) / 155925,
];
const fromConformal: Series = [
  2 * n - (2 * n2) / 3 - 2 * n3 + (116 * n4) / 45 + (26 * n5) / 45 - (2854 * n6) / 675,
  (7 * n2) / 3 - (8 * n3) / 5 - (227 * n4) / 45 + (2704 * n5) / 315 + (2323 * n6) / 945,
  (56 * n3) / 15 - (136 * n4) / 35 - (1262 * n5) / 105 + (73814 * n6) / 2835,
  (4279 * n4) / 630 - (332 * n5) / 35 - (399572 * n6) / 14175,
  (4174 * n5) / 315 - (144838 * n6) / 6237,
  (601676 * n6) / 22275,
];

// sum is a series at the complex angle x + iy: its real and its imaginary part.
function sum(series: Series, x: number, y: number): [re: number, im: number] {
  let [re, im] = [0, 0];
  series.forEach((c, i) => {
    const k = 2 * (i + 1);
    re += c * Math.sin(k * x) * Math.cosh(k * y);
    im += c * Math.cos(k * x) * Math.sinh(k * y);
  });
  return [re, im];
}

// zoneOf returns the zone of a width and number, null where there is none in China's numbering.
export function zoneOf(width: 3 | 6, number: number): Zone | null {
  const [first, last] = width === 3 ? [25, 45] : [13, 23];
  if (!Number.isInteger(number) || number < first || number > last) return null;
  return { width, number, meridian: width === 3 ? 3 * number : 6 * number - 3 };
}

// zoneAt returns the zone of a width in which a longitude, degrees, lies; null where China's
// numbering has none. On a border the zone to the east.
export const zoneAt = (width: 3 | 6, lon: number): Zone | null => zoneOf(width, width === 3 ? Math.floor((lon + 1.5) / 3) : Math.floor(lon / 6) + 1);

// toPlane returns a place in a zone, also where it lies beyond its borders: exact to a
// thousandth of a millimetre within 10° of the meridian, meaningless from 80° on.
export function toPlane(zone: Zone, { lon, lat }: LonLat): Plane {
  const phi = lat * degree;
  const lambda = (lon - zone.meridian) * degree;
  const chi = phi + sum(toConformal, phi, 0)[0];
  const xi = Math.atan2(Math.sin(chi), Math.cos(chi) * Math.cos(lambda));
  const eta = Math.atanh(Math.cos(chi) * Math.sin(lambda));
  const [dXi, dEta] = sum(toPlaneSeries, xi, eta);
  return { northing: radius * (xi + dXi), easting: radius * (eta + dEta) + falseEasting };
}

// toDegrees undoes toPlane to 1e-11 degree.
export function toDegrees(zone: Zone, { northing, easting }: Plane): LonLat {
  const [xi, eta] = [northing / radius, (easting - falseEasting) / radius];
  const [dXi, dEta] = sum(fromPlaneSeries, xi, eta);
  const [x, y] = [xi - dXi, eta - dEta];
  const lambda = Math.atan2(Math.sinh(y), Math.cos(x));
  const chi = Math.atan2(Math.sin(x), Math.hypot(Math.sinh(y), Math.cos(x)));
  return { lon: zone.meridian + lambda / degree, lat: (chi + sum(fromConformal, chi, 0)[0]) / degree };
}

// numbered is an easting with the zone's number before it, as cadastral files have it.
export const numbered = (zone: Zone, easting: number): number => zone.number * numberFactor + easting;

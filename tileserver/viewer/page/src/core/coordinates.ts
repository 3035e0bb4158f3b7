// Coordinates as text: degrees in decimals or with minutes and seconds, and metres of a zone.

import { t } from './i18n';
import { numbered, toPlane, type LonLat, type Zone } from './zones';

// decimal writes degrees with their signs in the way that every program reads, longitude
// first: 108.640000, 34.330000.
export const decimal = ({ lon, lat }: LonLat, digits = 6): string => `${lon.toFixed(digits)}, ${lat.toFixed(digits)}`;

// sexagesimal writes degrees, minutes and seconds with their half of the earth: 108°38′24.00″E.
export function sexagesimal({ lon, lat }: LonLat, digits = 2): string {
  return `${angle(lon, digits)}${lon < 0 ? 'W' : 'E'} ${angle(lat, digits)}${lat < 0 ? 'S' : 'N'}`;
}

// angle is rounded before it is split, so that no minute has 60 seconds.
function angle(degrees: number, digits: number): string {
  const unit = 10 ** digits;
  const all = Math.round(Math.abs(degrees) * 3600 * unit);
  const seconds = (all % (60 * unit)) / unit;
  const minutes = Math.floor(all / (60 * unit));
  const width = digits > 0 ? digits + 3 : 2;
  return `${Math.floor(minutes / 60)}°${String(minutes % 60).padStart(2, '0')}′${seconds.toFixed(digits).padStart(width, '0')}″`;
}

// metres writes a place in a zone as surveyors do: X, the northing, first, and Y with the
// zone's number before it. X 3800452.3 Y 36558897.1.
export function metres(zone: Zone, at: LonLat, digits = 1): string {
  const { northing, easting } = toPlane(zone, at);
  return `X ${northing.toFixed(digits)} Y ${numbered(zone, easting).toFixed(digits)}`;
}

// zoneName names a zone in the page's language: 3° 36 带.
export const zoneName = ({ width, number }: Zone): string => t('zone.name', { width, number });

// zoneTitle names it with its central meridian.
export const zoneTitle = ({ width, number, meridian }: Zone): string => t('zone.title', { width, number, meridian });

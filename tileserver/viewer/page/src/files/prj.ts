// The coordinate system that a .prj names (WKT 1, as ESRI writes it), as an EPSG code that
// the server takes: CGCS2000 in degrees or in a Gauss–Krüger zone of 3 or 6 degrees, WGS 84
// (taken as CGCS2000) or web mercator.

import { FileFault } from './fault';

// inLonLat tells whether the name of a system, '' where nothing names one, is that of longitude
// and latitude in degrees: CGCS2000, or WGS 84, which is taken as it.
export const inLonLat = (crs: string): boolean => /^$|(^|[^0-9])(4490|4326|CRS84)$/i.test(crs.trim());

// epsgOf returns the code, as EPSG:4524. It throws FileFault where the system is another one.
export function epsgOf(wkt: string): string {
  const text = wkt.trim();
  const datum = /DATUM\s*\[\s*"([^"]*)"/i.exec(text)?.[1] ?? '';
  const named = /^\s*(?:PROJCS|GEOGCS|PROJCRS|GEOGCRS)\s*\[\s*"([^"]*)"/i.exec(text)?.[1] ?? '';
  const own = /china.*2000|cgcs.*2000|2000国家/i.test(`${datum} ${named}`);
  const wgs = /wgs.*84/i.test(datum);
  const refused = new FileFault('file.prj.unknown', { name: named || text.slice(0, 60) });
  if (/xian|西安|beijing|北京|1954|1980|krasovsky/i.test(`${datum} ${named}`)) throw new FileFault('file.prj.old', { name: named });
  if (/^\s*GEOG/i.test(text)) {
    if (own) return 'EPSG:4490';
    if (wgs) return 'EPSG:4326';
    throw refused;
  }
  if (wgs && /mercator.*(auxiliary|pseudo)|web.?mercator|3857/i.test(text)) return 'EPSG:3857';
  if (!own || !/gauss|transverse_?mercator/i.test(text)) throw refused;
  const code = zoneOf(parameter(text, 'central_meridian'), parameter(text, 'false_easting'));
  if (code === null || (parameter(text, 'scale_factor') ?? 1) !== 1 || (parameter(text, 'false_northing') ?? 0) !== 0) throw refused;
  return `EPSG:${code}`;
}

function parameter(wkt: string, name: string): number | null {
  const found = new RegExp(`PARAMETER\\s*\\[\\s*"${name}"\\s*,\\s*(-?[0-9.eE+]+)`, 'i').exec(wkt)?.[1];
  return found === undefined ? null : Number(found);
}

// zoneOf returns the EPSG code of a Gauss–Krüger zone: 4513–4533 are the zones 25–45 of 3
// degrees with their number before the easting, 4534–4554 the same without; 4491–4501 and
// 4502–4512 those of 6 degrees, 13–23. A meridian of both kinds without a number is the
// same system in both.
function zoneOf(meridian: number | null, easting: number | null): number | null {
  if (meridian === null || easting === null) return null;
  const third = meridian / 3;
  const sixth = (meridian + 3) / 6;
  const isThird = Number.isInteger(third) && third >= 25 && third <= 45;
  const isSixth = Number.isInteger(sixth) && sixth >= 13 && sixth <= 23;
  if (easting === 500000) return isThird ? 4534 + third - 25 : null;
  if (easting === third * 1e6 + 500000) return isThird ? 4513 + third - 25 : null;
  if (easting === sixth * 1e6 + 500000) return isSixth ? 4491 + sixth - 13 : null;
  return null;
}

// The search box reads coordinates as people write them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Extent } from '../src/core/geometry';
import { numbered, toPlane, zoneAt } from '../src/core/zones';
import { parseCoordinate, type Fault, type Found, type Reading } from '../src/find/coordinate';

const here: Extent = [108.59, 34.29, 108.7, 34.38];

const first = (text: string, near: Extent | null = here): Reading => {
  const found = parseCoordinate(text, near);
  assert.ok(found, `${text}: no coordinate`);
  assert.equal(found.fault, null, `${text}: ${JSON.stringify(found.fault)}`);
  const reading = found.readings[0];
  assert.ok(reading, text);
  return reading;
};

const at = (text: string, lon: number, lat: number, order: Reading['order'], near: Extent | null = here) => {
  const r = first(text, near);
  assert.ok(Math.abs(r.lon - lon) < 1e-9 && Math.abs(r.lat - lat) < 1e-9, `${text}: ${r.lon} ${r.lat}, want ${lon} ${lat}`);
  assert.equal(r.order, order, text);
};

test('degrees in decimals, in either order, however they are parted', () => {
  for (const text of ['108.64,34.33', '108.64 34.33', '108.64，34.33', '108.64、34.33', ' 108.64 ;  34.33 ', '１０８．６４，３４．３３', '108。64，34。33', '[108.64, 34.33]', '(108.64 34.33)', 'POINT(108.64 34.33)', '108.64°, 34.33°', '108.64°E 34.33°N', 'E108.64 N34.33',
    '东经108.64 北纬34.33', '东经108.64度，北纬34.33度', '经度：108.64；纬度：34.33', 'lon=108.64 lat=34.33', 'lon: 108.64, lat: 34.33', 'L=108.64 B=34.33', '108.64E,34.33N', 'CGCS2000 108.64 34.33', '国家2000 东经１０８．６４°　北纬３４．３３°', '经度 E108.64 纬度 N34.33', '{"lon":108.64,"lat":34.33}', '108.64\t34.33\n', '+108.64 +34.33']) {
    at(text, 108.64, 34.33, 'lon-lat');
  }
  for (const text of ['34.33,108.64', '34.33 108.64', 'N34.33 E108.64', '北纬34.33，东经108.64', '34.33°N, 108.64°E', '34.33N108.64E', 'lat 34.33 lng 108.64', 'B34.33 L108.64', '34.33, E108.64', '纬度34.33 经度108.64']) {
    at(text, 108.64, 34.33, 'lat-lon');
  }
});

test('degrees, minutes and seconds', () => {
  const [lon, lat] = [108 + 38 / 60 + 24.5 / 3600, 34 + 19 / 60 + 48 / 3600];
  for (const text of ['108°38′24.5″ 34°19′48″', '108°38\'24.5" 34°19\'48"', '108°38\'24.5\'\' 34°19\'48\'\'', '108度38分24.5秒，34度19分48秒', '东经108度38分24.5秒 北纬34度19分48秒', '108:38:24.5 34:19:48', '108 38 24.5 34 19 48', '108-38-24.5, 34-19-48', 'E108°38′24.5″、N34°19′48″', '108° 38′ 24.5″ E 34° 19′ 48″ N', '１０８°３８′２４．５″，３４°１９′４８″', '108°38’24.5” 34°19’48”', '108º38´24.5" 34º19´48"', '108°38\'24.5 34°19\'48']) {
    at(text, lon, lat, 'lon-lat');
  }
  at('34°19′48″N 108°38′24.5″E', lon, lat, 'lat-lon');
  at('108°38.5′ 34°19.25′', 108 + 38.5 / 60, 34 + 19.25 / 60, 'lon-lat');
  at('108 38.5 34 19.25', 108 + 38.5 / 60, 34 + 19.25 / 60, 'lon-lat');
  at('108°38′，34°19′', 108 + 38 / 60, 34 + 19 / 60, 'lon-lat');
  at('东经108°，北纬34°', 108, 34, 'lon-lat');
});

test('metres of a zone whose number stands before the easting', () => {
  // cs2cs -f %.4f EPSG:4490 EPSG:4524 of 34.33 108.64, and EPSG:4497 for the zone of 6°.
  for (const text of ['3800452.3295 36558897.0916', '36558897.0916,3800452.3295', 'X=3800452.3295 Y=36558897.0916', 'X：3800452.3295，Y：36558897.0916', 'x 36558897.0916 y 3800452.3295', '3,800,452.3295 36,558,897.0916', 'N3800452.3295 E36558897.0916', '纵坐标3800452.3295 横坐标36558897.0916', '3800452.3295米，36558897.0916米', '3800452.3295m 36558897.0916m', '3度36带 3800452.3295 36558897.0916']) {
    const r = first(text);
    assert.ok(Math.hypot(r.lon - 108.64, r.lat - 34.33) < 1e-8, `${text}: ${r.lon} ${r.lat}`);
    assert.deepEqual([r.zone?.width, r.zone?.number, r.assumed], [3, 36, false], text);
    assert.equal(r.order, text.includes('36558897.0916,') || text.startsWith('x 365') ? 'east-north' : 'north-east', text);
    assert.deepEqual([r.northing, r.easting], [3800452.3295, 36558897.0916]);
  }
  const six = first('3802790.4154 19282796.1000');
  assert.ok(Math.hypot(six.lon - 108.64, six.lat - 34.33) < 1e-8, `${six.lon} ${six.lat}`);
  assert.deepEqual([six.zone?.width, six.zone?.number], [6, 19]);
});

test('metres without a number are sought in the zones of the edition, its ground first', () => {
  const found = parseCoordinate('3800452.3295 558897.0916', here);
  const zones = found?.readings.map((r) => `${r.zone?.width} ${r.zone?.number} ${r.assumed}`);
  assert.deepEqual(zones, ['3 36 true', '6 19 true']);
  assert.ok(Math.abs((found?.readings[0]?.lon ?? 0) - 108.64) < 1e-8);
  // The same ground in metres of the zone of 6°: that reading comes first.
  assert.deepEqual(parseCoordinate('282796.1000 3802790.4154', here)?.readings.map((r) => `${r.zone?.width} ${r.order}`), ['6 east-north', '3 east-north']);
  for (const text of ['36带 3800452.3295 558897.0916', '3°36带 3800452.3295 558897.0916', '3度分带第36带，3800452.3295，558897.0916', '中央经线108° 3800452.3295 558897.0916', 'L0=108 X=3800452.3295 Y=558897.0916', 'zone 36 3800452.3295 558897.0916']) {
    const r = first(text, null);
    assert.ok(Math.hypot(r.lon - 108.64, r.lat - 34.33) < 1e-8, `${text}: ${r.lon} ${r.lat}`);
    assert.equal(r.assumed, false);
  }
  assert.equal(first('6度19带 3802790.4154 282796.1000', null).zone?.number, 19);
  // In the south both numbers can be either: both orders are offered, or the marks tell.
  const south: Extent = [111, 3.5, 112, 4.5];
  assert.deepEqual([...new Set(parseCoordinate('442574 500100', south)?.readings.map((r) => r.order))].sort(), ['east-north', 'north-east']);
  assert.deepEqual([...new Set(parseCoordinate('N442574 E500100', south)?.readings.map((r) => r.order))], ['north-east']);
});

test('what is no coordinate is left to other readers, what is a bad one is told', () => {
  for (const text of ['', ' ', '柳林村', '610402001001', '610402200100000001', '61', '108.64', '108.64,', '东经108.64', '三原县 34', '北京', 'E', 'NS', '°\'"', '....', ',,,', '-', '城关镇2村', '6104-2', '2024年3月', 'a1 b2', '619901100200002680A']) {
    assert.equal(parseCoordinate(text, here), null, text);
  }
  const faults: Record<string, [Fault['why'], number?]> = {
    '10,20': ['china'], '200 34': ['china'], '108.64 -34.33': ['china'], '1 2 3': ['count', 3], '108.64 34.33 512': ['count', 3], '1 2 3 4 5': ['count', 5],
    '108°61′ 34°19′': ['sixty', 61], '108°60′ 34°19′': ['sixty', 60], '108 38 75 34 19 48': ['sixty', 75], '108.5°30′ 34°19′': ['count', 3], '108.5 30 34 19': ['part', 108.5],
    '东经34.33 北纬108.64': ['latitude', 108.64], '东经108.64 东经34.33': ['same'], 'E200 N30': ['longitude', 200],
    '3800412 47558880': ['zone', 47], '3800412 24558880': ['zone', 24], '3800412 3800412': ['plane'], '38004 55888': ['plane'], '3800412.3 36558880.4 500': ['count', 3],
    '35带 3800412 36558880': ['zone.other', 36], '60带 3800412 558880': ['zone.none'], '中央经线109° 3800412 558880': ['zone.none'],
  };
  for (const [text, [why, n]] of Object.entries(faults)) {
    const found = parseCoordinate(text, here);
    assert.equal(found?.fault?.why, why, `${text}: ${JSON.stringify(found)}`);
    if (n !== undefined) assert.equal(found?.fault?.n, n, text);
    assert.deepEqual(found?.readings, [], text);
  }
  assert.equal(parseCoordinate('3800412 558880', null)?.fault?.why, 'zone.open');
});

// random is a small generator with a seed, so that a failure comes again.
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const dms = (v: number, [d, m, s]: [string, string, string]): string => {
  const total = Math.round(v * 3600 * 1e6) / 1e6;
  const deg = Math.floor(total / 3600);
  const min = Math.floor((total - deg * 3600) / 60);
  return `${deg}${d}${min}${m}${(total - deg * 3600 - min * 60).toFixed(6)}${s}`;
};

test('every way of writing a place is read as that place', () => {
  const r = random(11);
  for (let i = 0; i < 4000; i++) {
    const [lon, lat] = [73.6 + 61.4 * r(), 3.1 + 50.4 * r()];
    const width = r() < 0.5 ? 3 : 6;
    const zone = zoneAt(width, lon);
    assert.ok(zone);
    const plane = toPlane(zone, { lon, lat });
    const [x, y] = [plane.northing.toFixed(4), numbered(zone, plane.easting).toFixed(4)];
    const box: Extent = [lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01];
    for (const text of [`${lon.toFixed(9)},${lat.toFixed(9)}`, `${lat.toFixed(9)} ${lon.toFixed(9)}`, `${dms(lon, ['°', '′', '″'])}，${dms(lat, ['°', '′', '″'])}`, `北纬${dms(lat, ['度', '分', '秒'])} 东经${dms(lon, ['度', '分', '秒'])}`, `${dms(lon, [':', ':', ' '])} ${dms(lat, [':', ':', ''])}`, `${x} ${y}`, `${y}、${x}`, `${width}°${zone.number}带 ${x} ${plane.easting.toFixed(4)}`]) {
      const got = first(text, box);
      assert.ok(Math.hypot(got.lon - lon, got.lat - lat) < 4e-9, `${text}: ${got.lon} ${got.lat}, want ${lon} ${lat}`);
    }
    // Without a number one of the readings is it, and the first lies in the edition's ground.
    const open = parseCoordinate(`${x} ${plane.easting.toFixed(4)}`, box);
    const near = open?.readings.find((g) => Math.hypot(g.lon - lon, g.lat - lat) < 4e-9);
    assert.ok(near, `${x} ${plane.easting}: ${JSON.stringify(open)}`);
    const lead = open?.readings[0];
    assert.ok(lead && Math.abs(lead.lon - lon) <= 0.01 && Math.abs(lead.lat - lat) <= 0.01);
  }
});

// Whatever is typed is read or refused: nothing throws, and what is read is a place.
test('odd texts never throw', () => {
  const r = random(3);
  const pieces = [...Array.from('0123456789.,-+ °\'"′″:;，、。东西南北经纬度分秒带ENWSXYBLxym()[]{}|/\\=\u3000０９．－'), '36带', '中央经线', '东经', '北纬', 'zone', '108', '34', '3800412', '558880', '36558880', '1e9', 'NaN', 'Infinity', '\u0000', '\ud83d', '𠮷', 'é'];
  const sound = (found: Found | null, text: string) => {
    if (!found) return;
    assert.ok((found.readings.length > 0) !== (found.fault !== null), text);
    for (const g of found.readings) assert.ok(Math.abs(g.lon) <= 180 && Math.abs(g.lat) <= 90, `${JSON.stringify(text)}: ${JSON.stringify(g)}`);
  };
  for (let i = 0; i < 60000; i++) {
    let text = '';
    for (let k = Math.floor(16 * r()); k >= 0; k--) text += pieces[Math.floor(pieces.length * r())] ?? '';
    sound(parseCoordinate(text, r() < 0.5 ? here : null), text);
  }
  for (const text of ['9'.repeat(400), `${'9'.repeat(400)} ${'9'.repeat(400)}`, '1 '.repeat(2000), '°'.repeat(5000), `108.${'6'.repeat(3000)} 34.3`, `${' '.repeat(20000)}1`, '3,'.repeat(5000)]) sound(parseCoordinate(text, here), text.slice(0, 20));
});

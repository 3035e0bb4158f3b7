// The patches of a flow: those whose ground stayed and whose class changed, from the server's
// comparison of the two years, on the map and as a list.

import type { Geometry, MultiPolygon, Polygon } from 'geojson';
import { asProblem, Problem } from '../core/api';
import { h, type Child } from '../core/dom';
import { area, count, inUnit } from '../core/format';
import { extentOf } from '../core/geometry';
import { t } from '../core/i18n';
import { offers } from '../core/me';
import { json } from '../jobs/answers';
import { fit, setShape } from '../map/map';
import { said, unitText, type Desk } from './desk';
import type { Transition } from './model';

interface Changed {
  geometry: Polygon | MultiPolygon | null;
  properties: { id?: number; change?: string; key?: string; from_class?: string; to_class?: string; from_area_m2?: number; same_ground?: number };
}

const page = 50;

// patches is a box with the list; the map shows all of them beside the dashboard.
export function patches(desk: Desk, years: { layer: string; from: string; to: string }, flow: Transition, digits: 2 | 4): HTMLElement {
  // Where single patches are not to be had nothing is asked.
  if (!desk.app.may('features') || !offers('diff')) return said('dash-flow-refused', t('dash.flow.refused'));
  const query = new URLSearchParams({ layer: years.layer, from: years.from, to: years.to, by: 'DLBM', f: 'geojson' });
  const of = async (signal: AbortSignal): Promise<Changed[] | null> => {
    try {
      return (await json<{ features: Changed[] }>(`diff?${query.toString()}`, { signal })).features;
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem instanceof Problem && problem.status === 403) return null;
      throw thrown;
    }
  };
  return desk.load(`diff ${query.toString()}`, (_, signal) => of(signal), (all) => {
    if (!all) return said('dash-flow-refused', t('dash.flow.refused'));
    const cut = (code: string | undefined) => (code ?? '').slice(0, digits === 2 ? 2 : undefined);
    const own = stayed(all).filter((f) => cut(f.properties.from_class) === flow.from && cut(f.properties.to_class) === flow.to);
    showAll(desk, own);
    return listed(desk, own, flow);
  });
}

// stayed are the patches whose ground stayed: those that kept their code, and those that got
// another one, which the comparison lists as removed and added and ties by same_ground.
export function stayed(all: Changed[]): Changed[] {
  const added = new Map(all.filter((f) => f.properties.change === 'added').map((f) => [f.properties.id, f]));
  return all.flatMap((f) => {
    const { properties: p } = f;
    if (p.change !== 'removed') return p.change === 'added' ? [] : [f];
    const now = p.same_ground === undefined ? undefined : added.get(p.same_ground);
    return now ? [{ geometry: now.geometry, properties: { ...now.properties, from_class: p.from_class ?? '', from_area_m2: p.from_area_m2 ?? 0 } }] : [];
  });
}

function showAll(desk: Desk, own: Changed[]): void {
  const parts = own.flatMap(({ geometry: g }) => (!g ? [] : g.type === 'Polygon' ? [g.coordinates] : g.coordinates));
  if (!parts.length) return;
  go(desk, { type: 'MultiPolygon', coordinates: parts });
}

function go(desk: Desk, geometry: Geometry): void {
  desk.aside();
  setShape(desk.app.map, 'selected', geometry);
  fit(desk.app.map, extentOf(geometry));
}

function listed(desk: Desk, own: Changed[], flow: Transition): Child {
  const { unit, place } = desk.state;
  const item = ({ geometry, properties: p }: Changed) => h('li', null, h('button', { type: 'button', class: 'dash-link', disabled: !geometry, onclick: () => { if (geometry) go(desk, geometry); } }, p.key ?? '—'),
    p.from_area_m2 !== undefined && h('span', { class: 'number' }, h('data', { value: String(p.from_area_m2) }, area(inUnit(p.from_area_m2, unit))), ' ', unitText(unit)));
  let shown = page;
  const list = h('ul', null, own.slice(0, page).map(item));
  const more = own.length > page && h('button', { type: 'button', class: 'dash-more', onclick: () => {
    list.append(...own.slice(shown, shown + page).map(item));
    shown += page;
    if (shown >= own.length && more) more.remove();
  } }, t('dash.more', { n: count(own.length) }));
  return [h('h4', { 'data-testid': 'dash-flow-picked' }, t('dash.flow.list', { from: flow.from, to: flow.to, n: count(own.length) })),
    own.length !== flow.links && h('p', { class: 'note' }, t('dash.flow.pairs', { links: count(flow.links), n: count(own.length) })), place && h('p', { class: 'note' }, t('dash.flow.elsewhere')), list, more];
}

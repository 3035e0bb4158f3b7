// Taking coordinates from the map: a key copies the place under the cursor, a context click
// opens a menu of the ways to write it.

import type { App } from '../app';
import { decimal, metres, sexagesimal, zoneTitle } from '../core/coordinates';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import { zoneAt, type LonLat } from '../core/zones';
import type { Status } from '../map/status';
import { copyText } from '../shell/messages';

// Digits of copied coordinates: 1 cm.
const [degreeDigits, secondDigits, metreDigits] = [7, 4, 2];

// Item is one line of the menu: what it is called, what it shows, what it does.
interface Item { id: string; title: string; text: string; run: () => void }

// installCopy wires the key and the menu.
export function installCopy(app: App, status: Status): void {
  const { map } = app;
  let shut: () => void = () => undefined;
  map.on('contextmenu', (e) => {
    if (app.drawing()) return;
    e.preventDefault();
    e.originalEvent.preventDefault();
    shut();
    const { lng, lat } = e.lngLat.wrap();
    shut = openMenu(app, { lon: lng, lat }, e.point);
  });
  for (const event of ['movestart', 'click'] as const) map.on(event, () => shut());
  const over = map.getContainer();
  document.addEventListener('keydown', (e) => {
    const here = document.activeElement === map.getCanvas() || (document.activeElement === document.body && over.matches(':hover'));
    if (!here || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.key === 'c' || e.key === 'C') { e.preventDefault(); void copyText(shown(status, e.shiftKey)); }
    // The key that opens menus, and its stand-in.
    if (e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey)) {
      e.preventDefault();
      shut();
      const at = status.at();
      shut = openMenu(app, at, map.project([at.lon, at.lat]));
    }
  });
}

// shown is the place under the cursor as the foot shows it, finer: degrees, or with zone metres.
function shown(status: Status, zone: boolean): string {
  const at = status.at();
  const { dms, width } = status.forms();
  const within = zone ? zoneAt(width, at.lon) : null;
  if (within) return metres(within, at, metreDigits);
  return dms ? sexagesimal(at, secondDigits) : decimal(at, degreeDigits);
}

function items(app: App, at: LonLat): Item[] {
  const copy = (id: string, title: string, text: string): Item => ({ id, title, text, run: () => void copyText(text) });
  const zones = ([3, 6] as const).flatMap((width) => zoneAt(width, at.lon) ?? []);
  return [
    copy('degrees', t('copy.degrees'), decimal(at, degreeDigits)),
    copy('dms', t('copy.dms'), sexagesimal(at, secondDigits)),
    ...zones.map((zone) => copy(`gk${zone.width}`, t('copy.zone', { zone: zoneTitle(zone) }), metres(zone, at, metreDigits))),
    { id: 'mark', title: t('copy.mark'), text: '', run: () => app.mark(at) },
  ];
}

// openMenu shows the menu at a pixel of the map and returns what shuts it.
function openMenu(app: App, at: LonLat, point: { x: number; y: number }): () => void {
  const { map } = app;
  const before = document.activeElement;
  const shut = () => { menu.remove(); document.removeEventListener('pointerdown', outside, true); };
  const leave = () => { shut(); if (before instanceof HTMLElement) before.focus(); };
  const outside = (e: Event) => { if (!(e.target instanceof Node && menu.contains(e.target))) shut(); };
  const menu = h('div', { class: 'menu', role: 'menu', 'data-testid': 'map-menu', 'aria-label': t('copy.menu') },
    items(app, at).map((item) => h('button', { type: 'button', role: 'menuitem', tabIndex: -1, 'data-testid': `menu-${item.id}`, onclick: () => { leave(); item.run(); } },
      h('span', null, item.title), item.text && h('code', null, item.text))));
  menu.addEventListener('keydown', (e) => {
    const all = [...menu.querySelectorAll<HTMLElement>('[role="menuitem"]')];
    const now = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    if (to !== undefined) { e.preventDefault(); all[to % all.length]?.focus(); }
    if (e.key === 'Escape' || e.key === 'Tab') { e.preventDefault(); leave(); }
    e.stopPropagation();
  });
  const stage = map.getContainer().parentElement ?? document.body;
  stage.append(menu);
  menu.style.setProperty('left', `${Math.max(8, Math.min(point.x, stage.clientWidth - menu.offsetWidth - 8))}px`);
  menu.style.setProperty('top', `${Math.max(8, Math.min(point.y, stage.clientHeight - menu.offsetHeight - 8))}px`);
  menu.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
  document.addEventListener('pointerdown', outside, true);
  return shut;
}

// Comparing two vintages side by side: the tool, and the address. The room compare shows two
// maps in one place; it never asks the server what has changed, nor counts it. What is to be
// seen of it is loaded when it is asked for.

import type { App } from '../app';
import { asProblem, onVintage, reached, setVintage, vintage } from '../core/api';
import { $ } from '../core/dom';
import { t } from '../core/i18n';
import { linkPart, writeLink } from '../core/link';
import { sheet } from '../core/sheet';
import { drawnIn, pairAt, stepAt, type Step } from '../map/steps';
import { steps } from '../map/vintage';
import { toast, toastGone, toastMayNot } from '../shell/messages';
import { addTool } from '../shell/rail';
import { readCompared, writeCompared, type Compared } from './part';
import type { View } from './view';

// installCompare adds the tool where there is more than one vintage. The page's vintage is
// that of the right side.
export function installCompare(app: App): void {
  const list = steps(app.catalog);
  if (list.length < 2) return;
  let wanted: Compared | null = null;
  let view: View | null = null;
  let turn = 0; // of openings and ends: what comes of an opening before the last is let go
  const button = addTool({ id: 'swipe-open', group: 'layers', toggle: true, needs: 'tiles', label: 'swipe.open', icon: 'M12 3v18M4 6h5v12H4zM15 6h5v12h-5zM15 10h5M15 14h5', run: () => { if (wanted) close(); else begin(); } });

  // differ tells whether something that is shown is of another vintage in the two.
  const differ = (a: Step, b: Step) => app.layers.list.some(({ visible, layer }) => {
    const [left, right] = [drawnIn(layer.vintages, a.vintage), drawnIn(layer.vintages, b.vintage)];
    return visible && left !== undefined && right !== undefined && left !== right;
  });
  const begin = () => {
    const pair = pairAt(list, stepAt(list, vintage()), differ);
    if (pair) open({ left: pair.left.vintage, right: pair.right.vintage, at: 50 }, true);
  };
  const close = () => {
    if (!wanted) return;
    const focused = document.activeElement?.closest('#swipe') != null;
    turn++;
    wanted = null;
    view?.close();
    view = null;
    button.setAttribute('aria-pressed', 'false');
    app.card.years([vintage()]);
    if (focused) $('swipe-open').focus();
    writeLink();
  };
  const show = () => {
    if (!wanted || !view) return;
    view.show(wanted);
    app.card.years([wanted.left, wanted.right]);
    writeLink();
  };
  const change = (to: Partial<Compared>) => {
    if (!wanted) return;
    const sides = to.at === undefined;
    wanted = { ...wanted, ...to };
    setVintage(wanted.right);
    if (sides) show();
    else { view?.show(wanted); writeLink(); }
  };
  const open = (next: Compared, focus = false) => {
    if (wanted) { wanted = next; setVintage(next.right); show(); return; }
    const mine = ++turn;
    wanted = next;
    setVintage(next.right);
    button.setAttribute('aria-pressed', 'true');
    reached(Promise.all([import('./view'), sheet()])).then(async ([{ openView }]) => {
      const opened = await openView(app, list, next, { change, close });
      if (mine !== turn) { opened.close(); return; }
      view = opened;
      if (focus) view.focus();
      show();
    }).catch((thrown: unknown) => {
      if (mine !== turn) return;
      close();
      toast(`${t('swipe.failed')} ${asProblem(thrown).words()}`);
    });
  };

  // By whatever else the page's vintage changes, the right side goes with it; two equal
  // sides are no comparison.
  onVintage((next) => {
    if (!wanted) return;
    if (wanted.left === next) close();
    else { wanted = { ...wanted, right: next }; show(); }
  });
  linkPart({
    key: 'compare',
    write: () => wanted && writeCompared(wanted),
    read: (text) => {
      const next = readCompared(text);
      if (next && !app.may('tiles')) { toastMayNot('tiles'); return; }
      const [left, right] = [list[stepAt(list, next?.left ?? '')], list[stepAt(list, next?.right ?? '')]];
      if (!next) { close(); return; }
      if (left && right && left !== right) { open({ left: left.vintage, right: right.vintage, at: next.at }); return; }
      close();
      toastGone(t('vintage.none', { vintage: left ? next.right : next.left, there: app.catalog.vintages.join(' ') }));
    },
  });
}

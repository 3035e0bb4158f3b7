// The dashboard: areas by place, trends, progress and flows. The room dashboard arranges and
// adds up figures of answers; it never measures ground, and never asks about a shape. The tool
// and the part of the address are here; the rest is loaded when it is asked for.

import type { App } from '../app';
import { asProblem, reached } from '../core/api';
import { encoded, linkPart, writeLink } from '../core/link';
import { may, offers } from '../core/me';
import { sheet } from '../core/sheet';
import { createCard } from '../shell/cards';
import { toastMayNot, toastProblem } from '../shell/messages';
import { addTool } from '../shell/rail';
import type { Panel } from './panel';

// allowed tells whether the user may ask what the dashboard lives on: analyses, or the
// areas by place.
const allowed = (): boolean => may('analyses') || (may('overlay') && offers('summary'));

// installDashboard adds the tool, and opens the view that the address names.
export function installDashboard(app: App): void {
  const card = createCard('dashboard', 'side.dashboard', { wide: true });
  let panel: Panel | null = null;
  let loading: Promise<Panel> | null = null;
  let wanted: string | null = null;
  const show = (link: string) => {
    loading ??= reached(Promise.all([import('./panel'), sheet()])).then(([{ createPanel }]) => createPanel(app, card, writeLink));
    void loading.then((p) => { panel = p; p.show(link); }).catch((thrown: unknown) => { loading = null; toastProblem(asProblem(thrown)); });
  };
  addTool({ id: 'dash-open', group: 'questions', label: 'dash.open', needs: allowed, icon: 'M4 20h16M6.5 20v-6M11 20V9M15.5 20v-9M20 20V5', run: () => show('') });
  linkPart({
    key: 'dash',
    write: () => {
      const link = panel ? panel.link() : loading ? wanted : null;
      return link === null ? null : encoded(link);
    },
    read: (link) => {
      wanted = link;
      if (link === null || link === panel?.link()) return;
      if (allowed()) show(link);
      else toastMayNot('analyses');
    },
  });
}

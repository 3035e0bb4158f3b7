// Analyses: questions of the whole edition, asked as jobs. The room analyses offers what the
// server lists, follows jobs and shows their tables and shapes; it never computes an answer,
// and knows no question by name but reconcile, which has a form of its own. The tool, the part
// of the address and the click on a piece are here; the rest is loaded when it is asked for.

import type { App } from '../app';
import { asProblem, reached } from '../core/api';
import { encoded, linkPart, writeLink } from '../core/link';
import { sheet } from '../core/sheet';
import { createCard } from '../shell/cards';
import { toastMayNot, toastProblem } from '../shell/messages';
import { addTool } from '../shell/rail';
import type { Panel } from './panel';

// installAnalyses adds the tool, and opens the job that the address names.
export function installAnalyses(app: App): void {
  const card = createCard('analyses', 'side.analyses', { wide: true });
  let panel: Panel | null = null;
  let loading: Promise<Panel> | null = null;
  const load = () => loading ??= reached(Promise.all([import('./panel'), sheet()])).then(([{ createPanel }]) => { panel = createPanel(app, card, writeLink); return panel; });
  const run = (then: (p: Panel) => void) => void load().then(then).catch((thrown: unknown) => { loading = null; toastProblem(asProblem(thrown)); });

  addTool({
    id: 'analyses-open', group: 'questions', needs: 'analyses', label: 'side.analyses', icon: 'M9 4h6M10 4v5.5L5 18.2A1.3 1.3 0 0 0 6.1 20h11.8a1.3 1.3 0 0 0 1.1-1.8L14 9.5V4M8 14.5h8',
    run: () => run((p) => p.home()),
  });
  // Before the room of features, which shows what lies under a click that nobody took.
  app.map.on('click', (e) => { if (panel && !app.drawing() && panel.take(e.point)) e.preventDefault(); });
  let wanted: string | null = null;
  linkPart({
    key: 'job',
    write: () => {
      const id = panel?.job() ?? (loading && !panel ? wanted : null);
      return id === null ? null : encoded(id);
    },
    read: (id) => {
      wanted = id;
      if (id === null || id === panel?.job()) return;
      if (app.may('analyses')) run((p) => p.open(id));
      else toastMayNot('analyses');
    },
  });
}

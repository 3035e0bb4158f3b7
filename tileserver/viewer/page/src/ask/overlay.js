// Asking how much of each layer lies inside a shape or a place, and keeping the
// answer on the page.

import { post } from '../core/api';
import { measured } from '../core/catalog';
import { onLang, t } from '../core/i18n';
import { extentOf } from '../core/geometry';
import { reveal, setShape } from '../map/map';
import { createCard } from '../shell/cards';
import { busyBox, problemBox } from '../shell/messages';
import { report } from './report';

// createOverlay returns {run(ask), close()}.
export function createOverlay(map, catalog, redraw) {
  const card = createCard('overlay', 'side.overlay');
  let current = null; // {ask, answer, problem} of the tab that is open
  let request = null;

  const clear = () => { request?.abort(); current = null; setShape(map, 'aoi', null); };
  const render = () => {
    const { problem, ask } = current;
    const passing = problem && (problem.status === 0 || problem.status === 429 || problem.status >= 500);
    if (problem) return problemBox(problem, passing && { label: t('retry'), run: () => run(ask).catch(() => {}) });
    if (!current.answer) return busyBox(t('overlay.busy'));
    return report(catalog, current.ask, current.answer, redraw);
  };

  // run asks and shows; it resolves with the answer once it is on the page, and
  // throws the Problem once that is.
  async function run(ask) {
    card.close();
    const mine = new AbortController();
    const job = { ask, answer: null, problem: null };
    request = mine;
    current = job;
    setShape(map, 'aoi', ask.geometry ?? null);
    card.open(render(), clear);
    if (ask.geometry) reveal(map, extentOf(ask.geometry));
    try {
      job.answer = await post('overlay', body(catalog, ask), mine.signal);
    } catch (problem) {
      if (problem.name === 'AbortError') throw problem;
      job.problem = problem;
    }
    if (current === job) card.fill(render());
    if (job.problem) throw job.problem;
    return job.answer;
  }

  onLang(() => { if (current) card.fill(render()); });

  return { run, close: () => card.close() };
}

// body is the request of the contract for an ask.
export function body(catalog, { geometry, place }) {
  const layers = measured(catalog);
  const cropland = catalog.layers.find((l) => l.name === 'cropland');
  const request = geometry ? { geometry, layers, combinations: true } : { place, layers, combinations: true };
  if (cropland?.fields.has('DLBM')) request.group_by = { cropland: ['DLBM'] };
  return request;
}

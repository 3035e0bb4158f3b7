// What the faces of the card of analyses ask of it, so that none of them knows another.

import type { App } from '../app';
import { h } from '../core/dom';
import { t } from '../core/i18n';
import type { Ask, Job, List, Question } from '../jobs/answers';
import type { Overlays } from './overlays';

// Face is what the card shows: render makes it anew, in the language of the page.
export interface Face { render(): HTMLElement; shut?(): void; id?: string; show?(layer: string, row: number): void }

// Desk is what faces ask of the card.
export interface Desk {
  readonly app: App;
  readonly overlays: Overlays;
  home(): void;
  ask(question: Question, list: List, before?: Ask): void;
  open(job: Job | string, row?: { layer: string; row: number }): void;
  // again shows the face anew, if it is still the one that is shown.
  again(face: Face): void;
}

// backButton leads to the list.
export const backButton = (desk: Desk): HTMLElement => h('button', { type: 'button', class: 'analyses-back', 'data-testid': 'analyses-back', onclick: () => desk.home() }, '‹ ', t('analyses.back'));

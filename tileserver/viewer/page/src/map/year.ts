// How a vintage is said.

import { t } from '../core/i18n';

// yearText writes a vintage: years are called so, other periods stand as they are, and '' is
// the latest of each layer.
export function yearText(vintage: string): string {
  if (vintage === '') return t('vintage.latest');
  if (vintage === 'undated') return t('vintage.undated'); // what a delivery without a year is taken in as
  return /^\d{4}$/.test(vintage) ? t('layers.vintage', { vintage }) : vintage;
}

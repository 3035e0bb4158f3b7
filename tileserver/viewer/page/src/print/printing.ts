// Loading what makes the sheet for the printer (print.ts), which is not needed to begin with.

import type { App } from '../app';
import { t } from '../core/i18n';
import { toast } from '../shell/messages';

// preparePrint loads it. A browser that prints does not wait: where it prints before it is there
// the page as it stands comes out, which the page says, and loads it for the next time.
export function preparePrint(app: App): void {
  let there = false;
  let loading: Promise<void> | null = null;
  const load = () => loading ??= import('./print').then(({ installPrint }) => {
    installPrint(app);
    there = true;
  }).finally(() => { loading = null; });
  load().catch(() => undefined); // which is said when it is needed
  window.addEventListener('beforeprint', () => {
    if (!there) load().then(() => toast(t('print.late')), () => toast(t('print.failed')));
  });
}

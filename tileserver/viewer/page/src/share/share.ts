// Sharing: the tool that opens the panel of service addresses, which is loaded when it is
// asked for. The room share writes addresses and code; it never makes a token, and never puts
// one into an address unless it is told to.

import type { App } from '../app';
import { asProblem, reached } from '../core/api';
import { sheet } from '../core/sheet';
import { addTool } from '../shell/rail';
import { toastProblem } from '../shell/messages';

// installShare adds the tool.
export function installShare(app: App): void {
  let opened: Promise<{ open: () => void }> | null = null;
  addTool({
    id: 'share-open', group: 'more', label: 'share.open', needs: 'tiles',
    icon: 'M8.500 13.500 15.500 17.500M15.500 6.500 8.500 10.500M18 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM6 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM18 22a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
    run: () => {
      opened ??= reached(Promise.all([import('./panel'), sheet()])).then(([{ createShare }]) => createShare(app));
      opened.then((panel) => panel.open(), (thrown: unknown) => { opened = null; toastProblem(asProblem(thrown)); });
    },
  });
}

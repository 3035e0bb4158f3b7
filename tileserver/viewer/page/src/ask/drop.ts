// Files that are dropped on the page, and the button that chooses one.

import { $, h } from '../core/dom';
import { onLang, t } from '../core/i18n';
import { takeDrops } from '../shell/drops';
import { addTool } from '../shell/rail';

// createDrop adds the button and takes what is dropped on the page, be it before this; files
// gets what was dropped or chosen. It returns what opens the dialog.
export function createDrop(files: (files: File[]) => void): () => void {
  const input = h('input', { type: 'file', multiple: true, hidden: true, accept: '.geojson,.json,.zip,.txt,.shp,.dbf,.prj,.cpg', tabIndex: -1, 'aria-hidden': 'true', 'data-testid': 'ask-file-input' });
  input.addEventListener('change', () => {
    const chosen = [...input.files ?? []];
    input.value = ''; // the same file can be chosen again
    if (chosen.length) files(chosen);
  });
  addTool({ id: 'ask-file', needs: 'overlay', group: 'ask', label: 'file.open', run: () => input.click(), icon: 'M4 7.500V18.500h16V8.500h-8.500l-2-2.500H4zM12 16v-5m-2.300 2.200L12 11l2.300 2.200' });

  const veil = h('div', { class: 'drop-veil', hidden: true, 'data-testid': 'drop-veil' });
  onLang(() => { veil.textContent = t('file.drop'); });
  $('map').after(input, veil);
  takeDrops({ files, over: (is) => { veil.hidden = !is; } });
  return () => input.click();
}

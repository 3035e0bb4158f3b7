// Files that are dropped on the page, from the first moment of its script: the browser never
// leaves the page for them, and they are kept until the room is there that reads them. This
// imports nothing, so that it waits for nothing.

// Taker takes the files.
export interface Taker {
  files: (files: File[]) => void;
  // over is told true while files are held over the page that it would take, false after that.
  over: (is: boolean) => void;
}

let taker: Taker | null = null;
let kept: File[] = [];
let told: (files: File[]) => void = () => undefined;

// takeDrops hands over what was dropped last before there was a taker, and all that is dropped
// from now on.
export function takeDrops(by: Taker): void {
  taker = by;
  const files = kept;
  kept = [];
  if (files.length) by.files(files);
}

// leaveDrops hands what was dropped, and all that is dropped from now on, to by, where the page
// goes no further and nothing will ever read it.
export const leaveDrops = (by: Taker['files']): void => takeDrops({ files: by, over: () => undefined });

// tellKept runs fn when files are kept, also for those that are kept already.
export function tellKept(fn: (files: File[]) => void): void {
  told = fn;
  if (kept.length) fn(kept);
}

const holdsFiles = (e: DragEvent): boolean => e.dataTransfer?.types.includes('Files') ?? false;

window.addEventListener('dragover', (e) => {
  if (!holdsFiles(e)) return;
  taker?.over(!e.defaultPrevented); // not where a part of the page takes them for itself
  e.preventDefault(); // which says that the page takes them
});
window.addEventListener('dragleave', (e) => { if (e.relatedTarget === null) taker?.over(false); });
window.addEventListener('drop', (e) => {
  if (!holdsFiles(e)) return;
  taker?.over(false);
  if (e.defaultPrevented) return;
  e.preventDefault(); // else the browser leaves the page for the file
  const files = [...e.dataTransfer?.files ?? []];
  if (!files.length) return;
  if (taker) { taker.files(files); return; }
  kept = files;
  told(files);
});

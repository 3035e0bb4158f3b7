// The style sheet of the rooms that load when they are asked for.

// roomSheet is its file, beside the page's own script: the build names it.
declare const roomSheet: string;

let there: Promise<void> | null = null;

// sheet resolves when the sheet stands in the page, so that what a room builds is never
// seen without its style. It throws when it cannot be had; the next call tries again.
export const sheet = (): Promise<void> => there ??= new Promise((resolve, reject) => {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL(`./${roomSheet}`, import.meta.url).href;
  link.onload = () => resolve();
  link.onerror = () => { link.remove(); there = null; reject(new TypeError(`${link.href} cannot be loaded`)); };
  document.head.append(link);
});

// What modules of the page ask of the browser while they are imported: import this file
// before them. Tests run in Node; what a module does with elements is for the browser tests.

class Store {
  private readonly values = new Map<string, string>();
  getItem = (key: string): string | null => this.values.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.values.set(key, value);
  removeItem = (key: string): void => void this.values.delete(key);
}

// origin is where the tests' page comes from; build.mjs gives modules the same address.
export const origin = 'http://gengtu.test';

// token opens the tier government, which the stub's page shows.
export const token = 'tk-government-0123456789';

const page = new URL(`${origin}/?tier=government#tk=${token}`);

// put makes a global, also where Node has one of that name that cannot be set.
const put = (name: string, value: unknown): void => void Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

put('localStorage', new Store());
put('sessionStorage', new Store());
put('navigator', { language: 'zh-CN', languages: ['zh-CN'] });
put('history', { replaceState: (_: unknown, __: string, to: string | URL): void => { page.href = new URL(to, page).href; } });
put('document', { addEventListener: () => undefined, getElementById: () => null, querySelector: () => null, querySelectorAll: () => [] });
put('window', globalThis);
const listeners: Record<string, (() => void)[]> = {};
put('addEventListener', (name: string, fn: () => void): void => void (listeners[name] ??= []).push(fn));

// happen runs what listens for an event of the window.
export const happen = (name: string): void => { for (const fn of listeners[name] ?? []) fn(); };

// reloads is how often the page has been loaded anew.
export let reloads = 0;
put('location', Object.assign(page, { reload: (): void => { reloads++; } }));
put('matchMedia', () => ({ matches: false, addEventListener: () => undefined }));

// The words of the page, as all of it calls for them: the lists themselves, key: [Chinese,
// English], stand in the rooms, and ../words.ts brings them together above those.

// Lists are the lists that there are, by name. ../words.ts declares them, so that keys are
// checked here without a room being known; none has no key.
export interface Lists { none: unknown }

// Key names words of any list.
export type Key = { [Name in keyof Lists]: keyof Lists[Name] }[keyof Lists];

type Texts = Record<Key, readonly [string, string]>;

const texts: Partial<Texts> = {};

// words has the texts of the lists that were added; those of a room that is loaded when it is
// asked for come with it.
export const words = texts as Readonly<Texts>;

// addWords adds a list.
export const addWords = (more: Partial<Texts>): void => void Object.assign(texts, more);

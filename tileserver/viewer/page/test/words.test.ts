import './stub/browser';
import '../src/words';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { addWords, words } from '../src/core/words';
import { fileWords } from '../src/files/words';
import { analysesWords } from '../src/analyses/words';
import { chartWords } from '../src/charts/words';
import { dashboardWords } from '../src/dashboard/words';
import { shareWords } from '../src/share/words';

for (const words of [shareWords, fileWords, analysesWords, chartWords, dashboardWords]) addWords(words);

const pairs: [string, readonly string[]][] = Object.entries(words);

// files reads the sources of a folder, by path.
function files(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [[path, readFileSync(path, 'utf8')] as [string, string]];
  });
}

const isList = ([path]: [string, string]): boolean => path.endsWith('words.ts');

const page = readFileSync('index.html', 'utf8');
const source = files('src');
const inPage = [...page.matchAll(/data-i18n(?:-label|-placeholder)?="([^"]*)"/g)].map((m) => m[1] ?? '');

test('every word is there in both languages, with the same values', () => {
  assert.ok(pairs.length > 50, `${pairs.length} words were read`);
  for (const [key, pair] of pairs) {
    assert.equal(pair.length, 2, `${key}: Chinese and English`);
    const [zh, en] = pair.map((text) => {
      assert.notEqual(text.trim(), '', `${key}: empty in one language`);
      return [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
    });
    assert.deepEqual(zh, en, `${key}: the values in braces differ`);
  }
});

test('every word that the page names is known', () => {
  assert.ok(inPage.length > 10, `${inPage.length} names were read`);
  for (const key of inPage) assert.ok(key in words, `index.html: ${key} has no words`);
});

// A key that is put together, t(`tier.${name}`), uses every key of its form, and
// t(`${kind}.${name}`) those of the kinds that its file names as text; a key that stands in
// the sources as text is used. That no key is missing is the type checker's.
test('every word is used', () => {
  const used = new Set(inPage);
  const forms: RegExp[] = [];
  for (const [, text] of source.filter((file) => !isList(file))) {
    for (const m of text.matchAll(/'([a-z][\w-]*(?:\.[\w.-]+)*)'/g)) used.add(m[1] ?? '');
    for (const m of text.matchAll(/`([a-z][\w-]*\.[\w.-]*(?:\$\{[^{}`]*(?:\{[^{}]*\}[^{}`]*)*\}[\w.-]*)+)`/g)) {
      forms.push(new RegExp(`^${(m[1] ?? '').split(/\$\{.*?\}/).map((s) => s.replaceAll('.', '\\.')).join('[\\w.-]+')}$`));
    }
  }
  for (const [, text] of source.filter((file) => !isList(file) && /`\$\{\w+\}\.\$\{\w+\}`/.test(file[1]))) {
    for (const m of text.matchAll(/'([a-z]+)'/g)) forms.push(new RegExp(`^${m[1] ?? ''}\\.[\\w.-]+$`));
  }
  for (const [key] of pairs) assert.ok(used.has(key) || forms.some((form) => form.test(key)), `${key} is used nowhere: take it out of its words.ts`);
});

// A comma or a colon of Chinese between words stands in English, too: joined and the lists know
// the language. What is read of a user may have either.
test('no mark of Chinese is put between words', () => {
  for (const [path, text] of source.filter((file) => !isList(file) && !/core.i18n\.ts$|find.tokens\.ts$/.test(file[0]))) {
    const code = text.replace(/^\s*\/\/.*$/gm, '').replaceAll(/lang\(\) === 'zh' \? '.'|split\('.'\)/g, '');
    assert.doesNotMatch(code, /['`}][^'`{}\n]*[、：；，][^'`{}\n]*['`$]/, path);
  }
});

// Each room lists its words under keys of its own: one that two lists have would lose its text. A room
// that is loaded later may bring its list with it.
test('no word stands in two lists', () => {
  const seen = new Map<string, string>();
  for (const [list, text] of source.filter(isList)) {
    for (const m of text.matchAll(/^ {2}'?([\w.-]+)'?: \['/gm)) {
      const key = m[1] ?? '';
      assert.equal(seen.get(key), undefined, `${key} stands in ${list}, too`);
      seen.set(key, list);
    }
  }
  for (const [key] of pairs) assert.ok(seen.has(key), `${key}: each words.ts lists one word a line, as the others do`);
});

import { PosternError } from '../../core/postern-error.ts';
import { english } from './english.ts';

type English = typeof english;

/** Names one sentence, or one word, of our pages. */
export type TextKey = Exclude<keyof English, 'language'>;

/**
 * What our pages say, in one language.
 *
 * @example
 * // Word by word:
 * const ours: Texts = { ...english, 'action.save': 'Keep' };
 */
export type Texts = { readonly [Key in keyof English]: string };

type Blanks<Text extends string> = Text extends `${string}{${infer Blank}}${infer Rest}`
  ? Blank | Blanks<Rest>
  : never;

/** One text, with its blanks filled in. */
export type Say = <Key extends TextKey>(
  key: Key,
  ...blanks: [Blanks<English[Key]>] extends [never]
    ? []
    : [Readonly<Record<Blanks<English[Key]>, string | number>>]
) => string;

const blank = /\{(?<name>\w+)\}/gu;

/** Says what a catalogue has to say. What is filled in is not looked at for blanks again. */
export function speak(texts: Texts): Say {
  return (key, ...[blanks]) =>
    texts[key].replaceAll(blank, (_, name: string) =>
      String((blanks as Record<string, string | number> | undefined)?.[name] ?? ''),
    );
}

/**
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a catalogue lacks a text, says one with a blank that nothing
 * fills in, or names no language.
 */
export function checkTexts(texts: Texts): void {
  const { language } = texts ?? {};
  if (!isLanguage(language)) throw misconfigured(`${JSON.stringify(language)} is no language tag`);
  for (const [key, original] of Object.entries(english)) {
    const text = Object.hasOwn(texts, key) ? texts[key as keyof Texts] : undefined;
    if (typeof text !== 'string' || text.trim() === '') throw misconfigured(`${key} is missing`);
    const known = new Set(blanksOf(original));
    const unknown = blanksOf(text).find((name) => !known.has(name));
    if (unknown !== undefined) throw misconfigured(`nothing fills in {${unknown}} of ${key}`);
  }
}

/** The catalogue that a browser asks for, else the first. @see RFC 9110 §12.5.4 (Accept-Language) */
export function chooseTexts(catalogues: readonly Texts[], acceptLanguage: string | null): Texts {
  const [first = english] = catalogues;
  if (catalogues.length < 2 || acceptLanguage === null || acceptLanguage.length > 1_000) return first;
  const wanted = acceptLanguage
    .toLowerCase()
    .split(',')
    .map((part) => {
      const [range = '', ...parameters] = part.split(';').map((text) => text.trim());
      const q = parameters.find((text) => text.startsWith('q='));
      return { range, weight: q === undefined ? 1 : Number(q.slice(2)) };
    })
    .filter(({ range, weight }) => range !== '' && weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { range } of wanted) {
    const found = catalogues.find(({ language }) => isOf(language.toLowerCase(), range));
    if (found !== undefined) return found;
  }
  return first;
}

/** Whether a catalogue is what a range asks for: `de` is of `de-AT`, and `de-AT` is of `de`. */
function isOf(language: string, range: string): boolean {
  return language === range || language.startsWith(`${range}-`) || range.startsWith(`${language}-`);
}

function blanksOf(text: string): string[] {
  return [...text.matchAll(blank)].map(({ groups }) => groups?.['name'] ?? '');
}

function isLanguage(tag: unknown): boolean {
  try {
    return typeof tag === 'string' && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

function misconfigured(what: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the texts of our pages cannot be used: ${what}`,
    {
      hint: 'Start from a whole catalogue: { ...english, "action.save": "Keep" }.',
    },
  );
}

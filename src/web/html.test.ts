import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { html, type HtmlValue } from './html.ts';

// Under its own name a formatter would put spaces into what is tested.
const markup = html;

const entities: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/** Reads escaped text as a browser does, as far as the five entities go. */
function read(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/gu, (entity) => entities[entity] ?? '');
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '/',
      '=',
      ' ',
      ';',
      '#',
      '`',
      'a',
      'script',
      '&lt',
      '-->',
      '\n',
      '\u0000',
      '\u202E',
      '\u061C',
    ),
    maxLength: 30,
  }),
);

describe('html', () => {
  test('puts any text into text and into quoted attributes so that it stays the text it was', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const made = markup`<p title="${value}" class='${value}'>${value}</p>`.toString();
        const match = /^<p title="([^"]*)" class='([^']*)'>([^<>]*)<\/p>$/u.exec(made);
        expect(match).not.toBeNull();
        const [, double, single, text] = match!;
        expect([double, single]).toEqual([text, text]);
        // Nothing that begins an entity is left but the five of our own.
        expect(text!.replaceAll(/&(?:amp|lt|gt|quot|#39);/gu, '')).not.toMatch(/[<>"'&]/u);
        const seen = Array.from(read(text!));
        const written = Array.from(value);
        expect(seen).toHaveLength(written.length);
        expect(seen.every((letter, index) => letter === written[index] || letter === '\uFFFD')).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    '</title><script>alert(1)</script>',
    '"onfocus=x autofocus ',
    "' onmouseover=1 '",
    '"><svg/onload=1>',
    '<img src=x onerror=alert(1)>',
    '{{7*7}}',
    '--><!--',
    ']]>',
  ])('lets %s neither open a tag nor end an attribute', (value) => {
    const made = markup`<a title="${value}">${value}</a>`.toString();
    expect(made.match(/[<>]/gu)).toHaveLength(4);
    expect(made.match(/"/gu)).toHaveLength(2);
    expect(made).not.toContain("'");
  });

  test('replaces every directional, invisible and control character by one that shows', () => {
    const controls = [
      '\u0000',
      '\u0007',
      '\u000B',
      '\r',
      '\u001B',
      '\u007F',
      '\u0085',
      '\u061C',
      '\u200B',
      '\u200E',
      '\u200F',
      '\u2028',
      '\u2029',
      '\u202A',
      '\u202B',
      '\u202C',
      '\u202D',
      '\u202E',
      '\u2060',
      '\u2066',
      '\u2067',
      '\u2068',
      '\u2069',
      '\uFEFF',
      '\u{E0001}',
      '\u{E0041}',
    ];
    expect(controls.filter((control) => markup`${control}`.toString() !== '\uFFFD')).toEqual([]);
  });

  test('keeps letters of every script, line ends, tabs and emoji', () => {
    const text = 'Ärger\n\t日本語 עברית العربية 🚪';
    expect(markup`${text}`.toString()).toBe(text);
  });

  test('keeps nested markup, joins lists, and leaves out what is absent or false', () => {
    const items = ['<a>', 'b'].map((item) => markup`<li>${item}</li>`);
    expect(markup`<ul>${items}${undefined}${null}${false}${0}</ul>`.toString()).toBe(
      '<ul><li>&lt;a&gt;</li><li>b</li>0</ul>',
    );
  });

  test('escapes what only looks like markup that was made here', () => {
    const forged = { map: () => ['<script>'], toString: () => '<script>' } as unknown as HtmlValue;
    expect(markup`${forged}`.toString()).toBe('&lt;script&gt;');
  });
});

import { describe, expect, test } from 'vitest';
import { english } from './english.ts';
import { german } from './german.ts';
import { checkTexts, chooseTexts, speak, type Texts } from './texts.ts';

const swiss: Texts = { ...german, language: 'de-CH' };

describe('the catalogue that a browser asks for', () => {
  test.each([
    ['de', 'de'],
    ['de-AT, en;q=0.9', 'de'],
    ['DE', 'de'],
    ['fr, de;q=0.5, en;q=0.4', 'de'],
    ['en;q=0.2, de;q=0.3', 'de'],
    ['de-CH', 'de-CH'],
    ['en-GB, de;q=0.9', 'en'],
    ['fr', 'en'],
    ['de;q=0', 'en'],
    ['de;q=x', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [`${'x,'.repeat(1_000)}de`, 'en'],
  ])('of %j is the one in %s', (header, language) => {
    const catalogues = header === 'de-CH' ? [english, swiss, german] : [english, german];
    expect(chooseTexts(catalogues, header).language).toBe(language);
  });

  test('is the first one, where the browser does not say', () => {
    expect(chooseTexts([german, english], null).language).toBe('de');
  });
});

describe('a catalogue', () => {
  test('of ours has every text, in every language', () => {
    for (const texts of [english, german]) expect(() => checkTexts(texts)).not.toThrow();
  });

  test('of ours has the blanks of the English one in every language, so that nothing is left unsaid', () => {
    const blanks = (text: string): string[] => (text.match(/\{\w+\}/gu) ?? []).toSorted();
    for (const [key, text] of Object.entries(english))
      expect(blanks(german[key as keyof Texts]), key).toEqual(blanks(text));
  });

  test.each([
    ['lacks a text', { 'action.save': undefined }, 'action.save is missing'],
    ['says nothing', { 'action.save': ' ' }, 'action.save is missing'],
    ['has a blank that nothing fills in', { 'action.save': 'Save {it}' }, 'nothing fills in {it}'],
    ['is in no language', { language: 'not a tag' }, 'is no language tag'],
  ])('that %s is refused when it is given', (_what, change, message) => {
    expect(() => checkTexts({ ...english, ...change } as Texts)).toThrow(message);
  });

  test('says a text with its blanks filled in, once: what is filled in is not read for more', () => {
    expect(speak(english)('action.goOn', { host: '{name}' })).toBe('Go on to {name}');
    expect(speak({ ...english, 'action.save': 'Keep' })('action.save')).toBe('Keep');
  });
});

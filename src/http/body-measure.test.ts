import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measureBody } from './body-measure.ts';

const json = 'application/json';
const events = 'text/event-stream';
const unlimited = { bodyBytes: Infinity, values: Infinity };

/** What is said of a text that comes in pieces of so many bytes. */
function problemOf(
  type: string | null,
  text: string,
  limits: Partial<typeof unlimited>,
  pieceBytes = 1_000,
): string | undefined {
  const bytes = new TextEncoder().encode(text);
  const measure = measureBody(type, { ...unlimited, ...limits });
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const problem = measure(bytes.subarray(at, at + pieceBytes));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Lists, objects, and what stands after the first in each: as many as there are brackets and commas in the text. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value);
  return (
    1 + Math.max(0, members.length - 1) + members.reduce<number>((sum, one) => sum + countValues(one), 0)
  );
}

describe('a body of JSON', () => {
  test('has as many values as it has, whatever stands in its texts and wherever it was cut', () => {
    const words = fc.string({
      unit: fc.constantFrom('"', '\\', ',', '[', '{', 'a', 'é', '\n'),
      maxLength: 200,
    });
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 2 }),
        words,
        fc.integer({ min: 1, max: 300 }),
        (any, word, pieces) => {
          const whole = [any, word, { [word]: word }];
          const values = countValues(whole);
          const text = JSON.stringify(whole);
          expect(problemOf(json, text, { values }, pieces)).toBeUndefined();
          expect(problemOf(json, text, { values: values - 1 }, pieces)).toBe('values');
          const event = `event: message\r\ndata: ${text}\r\n\r\n`;
          expect(problemOf(events, event.repeat(3), { values }, pieces)).toBeUndefined();
          expect(problemOf(events, event, { values: values - 1 }, pieces)).toBe('values');
        },
      ),
    );
  });

  test('may be one long text, of nothing but commas', () => {
    expect(problemOf(json, JSON.stringify([','.repeat(100_000)]), { values: 1 })).toBeUndefined();
  });

  test.each(['[', '{},', '[],', '"a",', '1,'])('is not taken once it has too many values: %s…', (unit) => {
    expect(problemOf(json, `[${unit.repeat(10_000)}`, { values: 9_000 })).toBe('values');
  });

  test('is not taken letter by letter', () => {
    expect(problemOf(json, 'a'.repeat(1_900), {}, 1)).toBeUndefined();
    expect(problemOf(json, 'a'.repeat(20_000), {}, 1)).toBe('pieces');
  });
});

describe('a stream of events', () => {
  test.each(['\n', '\r\n', '\r'])('is measured by each of its events, whatever ends a line: %j', (end) => {
    const event = `data: [1,2]${end}data: [3]${end}${end}`;
    expect(problemOf(events, event.repeat(1_000), { values: 3, bodyBytes: 40 }, 7)).toBeUndefined();
    expect(problemOf(events, event, { values: 2 })).toBe('values');
    expect(problemOf(events, `data: a${end}`.repeat(10), { bodyBytes: 40 })).toBe('bytes');
  });

  test('has no text that a comment could begin: what follows is counted', () => {
    for (const end of ['\n', '\r'])
      expect(problemOf(events, `: "${end}data: [${'1,'.repeat(100)}`, { values: 50 })).toBe('values');
  });

  test('may say something now and then for ever', () => {
    expect(problemOf(events, ':\n\n'.repeat(100_000), {}, 3)).toBeUndefined();
  });
});

test('what is nobody’s JSON is counted by its bytes', () => {
  expect(problemOf('text/html', '[,'.repeat(1_000), { values: 1, bodyBytes: 2_000 })).toBeUndefined();
  expect(problemOf(null, '[,'.repeat(1_000), { values: 1, bodyBytes: 1_999 })).toBe('bytes');
});

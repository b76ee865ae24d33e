import { describe, expect, test } from 'vitest';
import { parserProperties } from './parser-properties.ts';

/** The same in every run; `npm run properties` tries others, and more. */
const seed = 20_261_125;
const cases = 200;

describe('whatever others write', () => {
  test.each(parserProperties.map((property) => [property.name, property] as const))(
    '%s',
    async (_, property) => {
      const failure = await property.run({ cases, seed });
      expect(failure, `to have it again: seed ${failure?.seed}, path ${failure?.path}`).toBeUndefined();
    },
  );
});

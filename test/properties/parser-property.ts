import fc, { type Arbitrary } from 'fast-check';

/** What holds of a parser, whatever it is given. */
export interface ParserProperty {
  /** A fact, about one parser. */
  readonly name: string;
  /** @param onCase is told of each case that held. */
  run(options: RunOptions): Promise<PropertyFailure | undefined>;
}

export interface RunOptions {
  readonly cases: number;
  readonly seed: number;
  readonly onCase?: (() => void) | undefined;
}

/** The smallest case that was found to break a property, and how to have it again. */
export interface PropertyFailure {
  readonly seed: number;
  readonly path: string;
  readonly counterexample: string;
  readonly why: unknown;
}

/** @param holds throws when it does not. */
export function parserProperty<T>(
  name: string,
  input: Arbitrary<T>,
  holds: (input: T) => void | Promise<void>,
): ParserProperty {
  return {
    name,
    async run({ cases, seed, onCase }) {
      const property = fc.asyncProperty(input, async (value) => {
        await holds(value);
        onCase?.();
      });
      const result = await fc.check(property, { numRuns: cases, seed });
      if (!result.failed) return undefined;
      const { counterexamplePath, counterexample, errorInstance } = result;
      return {
        seed,
        path: counterexamplePath ?? '',
        counterexample: readable(fc.stringify(counterexample)).slice(0, 4_000),
        why: errorInstance,
      };
    },
  };
}

/** Bytes as the text that they mostly are. */
function readable(counterexample: string): string {
  return counterexample.replaceAll(/Uint8Array\.from\(\[([\d,]*)\]\)/gu, (_, bytes: string) =>
    JSON.stringify(Buffer.from(bytes.split(',').map(Number)).toString('latin1')),
  );
}

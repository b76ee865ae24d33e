/** Thrown when a store contradicts a fact. */
export class ConformanceError extends Error {
  override readonly name: string = 'ConformanceError';
}

/** @throws {ConformanceError} unless the condition holds. */
export function check(condition: boolean, fact: string): asserts condition {
  if (!condition) throw new ConformanceError(fact);
}

/** Compares by value: texts, numbers, arrays, plain objects and byte arrays. */
export function checkEqual(actual: unknown, expected: unknown, fact: string): void {
  const [found, wanted] = [describe(actual), describe(expected)];
  if (found !== wanted) {
    throw new ConformanceError(`${fact}\n  expected ${shorten(wanted)}\n  found    ${shorten(found)}`);
  }
}

/** What the promise rejects with. Branches on the code of a PosternError, or on the name of another error. */
export async function checkRejects(promise: Promise<unknown>, expected: string, fact: string): Promise<void> {
  let outcome = 'no error';
  try {
    await promise;
  } catch (error) {
    outcome = nameOf(error);
  }
  checkEqual(outcome, expected, fact);
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error ? String(error.code) : error.name;
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes(${[...value].join(' ')})`;
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([name, field]) => `${name}: ${describe(field)}`).join(', ')}}`;
  }
  return JSON.stringify(value) ?? String(value);
}

function shorten(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text;
}

/** The first in a chain of causes that is what is looked for. A chain may lead back to itself. */
export function findInChain<T>(error: unknown, pick: (cause: unknown) => T | undefined): T | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    const found = pick(current);
    if (found !== undefined) return found;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}

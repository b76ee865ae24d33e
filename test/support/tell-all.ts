import { inspect } from 'node:util';

/** How far a chain of causes is followed. It may lead back to itself. */
const maxCauses = 8;

/** All that a program could print of an error: its text, its JSON, its inspection, and the same of everything behind it. */
export function tellAll(error: unknown): string {
  const parts = [String(error)];
  let cause: unknown = error;
  for (let depth = 0; depth < maxCauses && (depth === 0 || cause instanceof Error); depth++) {
    parts.push(inspect(cause, { depth: 12, showHidden: true }), jsonOf(cause));
    if (!(cause instanceof Error)) break;
    parts.push(cause.stack ?? cause.message);
    cause = cause.cause;
  }
  return parts.join('\n');
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

import { inspect } from 'node:util';

/** How far a chain of causes is followed. It may lead back to itself. */
const maxCauses = 8;

/** All that a program could print of an error: its text, its JSON, its inspection, and the same of everything behind it. */
export function tellAll(error: unknown): string {
  const parts = [String(error), jsonOf(error), inspect(error, { depth: 12, showHidden: true })];
  for (
    let cause = error, depth = 0;
    cause instanceof Error && depth < maxCauses;
    cause = cause.cause, depth++
  )
    parts.push(cause.message, cause.stack ?? '', jsonOf(cause), inspect(cause, { depth: 4 }));
  return parts.join('\n');
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

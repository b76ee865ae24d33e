import { findPosternError } from '../core/postern-error.ts';

/** How a command can end. */
export type Ending =
  | 'ok'
  | 'failure'
  | 'usage'
  | 'personNeeded'
  | 'refused'
  | 'unreachable'
  | 'toolFailed'
  | 'warnings'
  | 'problems'
  | 'interrupted';

/**
 * The exit code of each ending. Scripts branch on them, so a number never changes its meaning; `docs/cli.md` lists them.
 *
 * Which one an error ends with stands with its code, in `src/core/error-codes.ts`.
 */
export const exitCodes: Readonly<Record<Ending, number>> = {
  ok: 0,
  failure: 1,
  usage: 2,
  personNeeded: 3,
  refused: 4,
  unreachable: 5,
  toolFailed: 6,
  warnings: 7,
  problems: 8,
  interrupted: 130,
};

/** Each ending in words, for `docs/cli.md`. */
export const endings: Readonly<Record<Ending, string>> = {
  ok: 'It is done.',
  failure: 'It failed, in a way that has no number of its own.',
  usage: 'It cannot be done as it was asked for or set up: an argument, an option, a file, or the store.',
  personNeeded: 'A person has to do something first: most often, sign in.',
  refused: 'Somebody said no: the person, their organisation, the server, or its authorization server.',
  unreachable: 'The other side was not reached, or cannot answer just now. The same may succeed later.',
  toolFailed: 'The tool was called, and what it answered is an error.',
  warnings: '`postern doctor` found what will hurt somebody some day, and nothing worse.',
  problems: '`postern doctor` found what keeps people out.',
  interrupted: 'Ctrl-C.',
};

/** What a command ends with that failed with this error. */
export function exitCodeOf(error: unknown): number {
  return findPosternError(error)?.facts.exit ?? exitCodes.failure;
}

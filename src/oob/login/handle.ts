import { PosternError } from '../../core/postern-error.ts';

/** The longest handle, in characters. */
const maxLength = 100;

/** What a person has said they are called, as it is compared, and as their service is told. */
export interface Handle {
  /** In lower case: nobody has two accounts that differ in that alone. */
  readonly alias: string;
  readonly hint: string;
}

/**
 * Reads what was given as a handle: without blanks and an `@` before it, and without the invisible signs that come with what
 * is copied from a page. `undefined` when nothing is left.
 *
 * @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID when no account can be called like that.
 */
export function readHandle(
  given: string | undefined,
  normalize: (handle: string) => string | undefined = (handle) => handle,
): Handle | undefined {
  const bare = (given ?? '')
    .replaceAll(/\p{Cf}/gu, '')
    .trim()
    .replace(/^[@\s]+/u, '');
  const hint = bare === '' ? undefined : normalize(bare);
  if (hint === undefined || hint === '') return undefined;
  if (hint.length > maxLength || /\p{Cc}/u.test(hint) || !hint.isWellFormed()) {
    throw new PosternError(
      'ERR_POSTERN_OOB_LOGIN_INVALID',
      `a handle must have at most ${maxLength} characters, and no control characters`,
      { hint: 'Give the name of one account, as its service shows it, or none at all.' },
    );
  }
  return { alias: hint.toLowerCase(), hint };
}

import { PosternError } from '../../core/postern-error.ts';
import type { Account } from '../credential-kind.ts';

/**
 * Whether a credential is of the account that the one before it was of, as far as can be told.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_WRONG_USER naming both, as far as their names are known, and not in full.
 */
export function assertSameAccount(before: Account | undefined, obtained: Account | undefined): void {
  if (before?.subject === undefined || before.issuer !== obtained?.issuer) return;
  if (before.subject === obtained.subject) return;
  throw new PosternError(
    'ERR_POSTERN_AUTH_WRONG_USER',
    `the person signed in with ${described(obtained)}, and not with ${described(before)} as before`,
    { hint: 'Sign in with the account from before. To change to another one, log out first.' },
  );
}

function described({ name }: Account): string {
  return name === undefined ? 'another account' : maskAccount(name);
}

/** Enough of an account's name for whoever knows it to tell which it is. */
function maskAccount(name: string): string {
  const at = name.lastIndexOf('@');
  const [first = ''] = name;
  return at > 0 ? `${first}…${name.slice(at)}` : `${first}…`;
}

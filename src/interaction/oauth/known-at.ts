import type { Account } from '../credential-kind.ts';

/** Whom an issuer is to expect: the account from before, which goes to nobody but who has named it. */
export function knownAt(issuer: string, account: Account | undefined): { loginHint?: string } {
  return account?.issuer === issuer && account.name !== undefined ? { loginHint: account.name } : {};
}

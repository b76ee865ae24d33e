import type { Account } from '../credential-kind.ts';

/** The account from before, for the issuer that has named it and nobody else. */
export function loginHintFor(issuer: string, account: Account | undefined): string | undefined {
  return account?.issuer === issuer ? account.name : undefined;
}

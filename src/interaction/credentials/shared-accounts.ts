import type { Logger } from '../../core/logger.ts';
import type { Account, CredentialKind } from '../credential-kind.ts';
import type { Place } from '../want.ts';
import { accountOf, type CredentialStore } from './credential-store.ts';
import type { KeptCredential } from './kept-credential.ts';

/** Whether two credentials are certainly of one account. Of most, nobody says whose they are. */
function isSameAccount(one: Account | undefined, other: Account | undefined): boolean {
  return one?.subject !== undefined && one.subject === other?.subject && one.issuer === other.issuer;
}

/**
 * The same credentials, each with the aliases under which its account is kept as well.
 *
 * @param groupOf what two aliases have in common that are of one service.
 */
export function withSharedAccounts<K extends KeptCredential>(
  kept: readonly K[],
  groupOf: (one: K) => string,
): K[] {
  return kept.map((one) => {
    const others = kept.filter(
      (other) =>
        other !== one && groupOf(other) === groupOf(one) && isSameAccount(other.account, one.account),
    );
    return others.length === 0 ? one : { ...one, sameAccountAs: others.map(({ alias }) => alias) };
  });
}

/**
 * Says in the log that somebody has signed in to one account under several aliases: as a rule they meant another one. Only
 * when it comes to be so, and not whenever they sign in again.
 */
export async function warnOfSharedAccount(
  logger: Logger,
  store: CredentialStore,
  { namespace, resource, alias }: Place,
  {
    kind,
    account,
    before,
  }: { kind: CredentialKind; account: Account | undefined; before: Account | undefined },
): Promise<void> {
  if (account?.subject === undefined || isSameAccount(before, account)) return;
  const others = (await store.list({ resource })).filter(
    (other) => other.path[1] !== alias && isSameAccount(accountOf(other, kind), account),
  );
  if (others.length === 0) return;
  // An alias may be made of several names; what stands between them is no letter.
  const aliases = [alias, ...others.map(({ path: [, other = ''] }) => other)].map((name) =>
    name.replaceAll(/\p{Cc}/gu, '/'),
  );
  logger.warn('one account is signed in to under several aliases', {
    namespace: namespace.id,
    resource,
    aliases: aliases.join(', '),
  });
}

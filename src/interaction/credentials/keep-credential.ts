import { isPosternError } from '../../core/postern-error.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Pendings } from '../../pending/pendings.ts';
import type { Stored } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import { persistently } from '../../sync/persistently.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { dataOf, type InteractionData } from '../flow.ts';
import { placePath, type Place } from '../want.ts';
import { assertSameAccount } from './assert-same-account.ts';
import { accountOf, CredentialStore, isLive, type StoredCredential } from './credential-store.ts';
import type { Retirements } from './retirements.ts';
import { keptCredential } from './kept-credential.ts';
import { warnOfSharedAccount } from './shared-accounts.ts';
import { warnOfPerson } from './warn-of-person.ts';
import { Tombstones } from './tombstones.ts';

/** What a flow has got, and what is written along with it. */
export interface Keeping {
  readonly kind: CredentialKind;
  readonly credential: unknown;
  readonly scopes: readonly string[];
  readonly alongside: readonly Change[];
  readonly retirements: Retirements;
}

/**
 * Keeps what a flow has got and ends its pending, in one commit. What cannot be kept is given back at its issuer.
 *
 * A code that was sent cannot be sent again, so whatever the store has to do for it is asked of it persistently. Returns
 * whether time had ended the pending by then: its person has consented all the same.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_WRONG_USER when it is another account's than the one that is kept.
 * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise.
 */
export async function keepCredential(
  surroundings: Surroundings,
  pendings: Pendings<InteractionData>,
  pending: Pending<InteractionData>,
  place: Place,
  { kind, credential, scopes, alongside, retirements }: Keeping,
): Promise<{ kept: 'in time' | 'late'; ended: Pending<InteractionData> }> {
  const { storage, now, logger } = surroundings;
  const complete = (changes: readonly Change[]): Promise<Pending<InteractionData>> =>
    persistently(() => pendings.in(pending.namespace).complete(pending.id, { alongside: changes }));
  if (kind.keeps === false) return { kept: 'in time', ended: await complete(alongside) };
  const store = new CredentialStore(surroundings, pending.namespace);
  const tombstones = new Tombstones(surroundings);
  const giveBack = async (): Promise<void> => void (await kind.revoke?.(credential).catch(() => undefined));
  let value: StoredCredential | undefined;
  try {
    const earlier = await persistently(() => store.find(place));
    const [before, account] = [accountOf(earlier, kind), kind.accountOf?.(credential)];
    assertSameAccount(before, account);
    const { learnedLifetimeMs } = earlier?.value.kind === kind.name ? earlier.value : {};
    const learned = learnedLifetimeMs !== undefined && { learnedLifetimeMs };
    const keeping = {
      kind: kind.name,
      flow: dataOf(pending).flow,
      scopes,
      obtainedAtMs: await persistently(now),
      ...learned,
      credential,
    };
    value = keeping;
    const replaced = kind.endsReplaced === true && isLive(earlier, kind) ? earlier : undefined;
    const retiring = replaced && (await persistently(() => retirements.retiring(place, replaced)));
    const ended = await complete([
      store.putting(place, keeping),
      ...(retiring === undefined ? [] : [retiring]),
      ...alongside,
    ]);
    if (replaced !== undefined) retirements.endReplaced(place, replaced, kind);
    warnOfPerson(
      logger,
      place.namespace,
      keptCredential({ path: placePath(place), value }, kind, value.obtainedAtMs),
    );
    // It is kept, whatever becomes of this.
    await warnOfSharedAccount(logger, store, place, { kind, account, before }).catch(() => {});
    return { kept: 'in time', ended };
  } catch (error) {
    const found = value && (await lookAfter(error, value));
    if (found === 'unknown') throw error;
    if (found !== undefined) return { kept: found, ended: { ...pending, status: 'completed' } };
    // Only what is known not to be there is given back: others may have in use already what was saved.
    await giveBack();
    throw error;
  }

  async function lookAfter(
    error: unknown,
    keeping: StoredCredential,
  ): Promise<'in time' | 'late' | 'unknown' | undefined> {
    try {
      return await persistently(async () => {
        const { stored, expect } = await store.lookAt(place);
        if (isSame(stored, keeping)) return 'in time';
        if (!isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND')) return undefined;
        // Time has ended it. Whatever the person gave after it had begun is newer.
        const isOlder = stored !== undefined && stored.value.obtainedAtMs < pending.createdAtMs;
        if (stored !== undefined && stored.value.ended !== true && !isOlder) return undefined;
        const forgotten = await tombstones.find(place);
        if (forgotten !== undefined && forgotten.forgottenAtMs >= pending.createdAtMs) return undefined;
        const late = store.putting(place, keeping, { expect });
        const changes = [late, tombstones.holding(place, forgotten), ...alongside];
        return (await storage.commit(changes)) === undefined ? undefined : 'late';
      });
    } catch {
      return 'unknown';
    }
  }
}

/** Whether it was saved by a try whose answer was lost. */
function isSame(stored: Stored<StoredCredential> | undefined, value: StoredCredential): boolean {
  const { kind, obtainedAtMs, credential } = stored?.value ?? {};
  return (
    kind === value.kind &&
    obtainedAtMs === value.obtainedAtMs &&
    JSON.stringify(credential) === JSON.stringify(value.credential)
  );
}

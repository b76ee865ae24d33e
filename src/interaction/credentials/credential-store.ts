import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Namespace } from '../../namespace/namespace.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection, type Sight, type Stored } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { Account, CredentialKind, CredentialState } from '../credential-kind.ts';
import { placePath, type Place } from '../want.ts';
import { credentialSegment } from './may-hold.ts';

/** A credential as it is kept: sealed with the store, never sent to a client. */
export interface StoredCredential {
  /** The name of its kind. */
  readonly kind: string;
  /** The name of the flow it came by, for its person to be asked again. */
  readonly flow?: string | undefined;
  /** What it was asked for with. What was granted of that, the credential itself says. */
  readonly scopes: readonly string[];
  /** When its person, or its machine, was given it; renewing does not change it. */
  readonly obtainedAtMs: number;
  readonly renewedAtMs?: number | undefined;
  /** Its service has refused it, and it could not be renewed yet: it is not to be sent, whatever its own account says. */
  readonly refused?: boolean | undefined;
  /** How long those of this place have lasted that did not say. */
  readonly learnedLifetimeMs?: number | undefined;
  /** It is no longer good. Its scopes are remembered, so that the next one is asked for with them, too. */
  readonly ended?: boolean | undefined;
  /** Whose it was, once it has ended: the next one is to be theirs, too. */
  readonly account?: Account | undefined;
  /** Whatever the kind keeps; gone when it has ended. */
  readonly credential: unknown;
}

export const storedCredential: ZodType<StoredCredential> = z.lazy(() =>
  z.looseObject({
    kind: z.string(),
    flow: z.string().optional(),
    scopes: z.array(z.string()),
    obtainedAtMs: z.number(),
    renewedAtMs: z.number().optional(),
    refused: z.boolean().optional(),
    learnedLifetimeMs: z.number().optional(),
    ended: z.boolean().optional(),
    account: z
      .looseObject({ issuer: z.string(), subject: z.string().optional(), name: z.string().optional() })
      .optional(),
    credential: z.unknown(),
  }),
);

/** The records of one namespace. */
export function credentialsIn(
  { storage, onUnreadable }: Pick<Surroundings, 'storage' | 'onUnreadable'>,
  namespace: Namespace,
): Collection<StoredCredential> {
  return new Collection(
    storageOf(storage, namespace).namespace(credentialSegment),
    storedCredential,
    onUnreadable,
  );
}

/** The credentials of one namespace, by resource and alias. One that cannot be read is none: its person is asked anew. */
export class CredentialStore {
  readonly #records: Collection<StoredCredential>;

  constructor(surroundings: Pick<Surroundings, 'storage' | 'onUnreadable'>, namespace: Namespace) {
    this.#records = credentialsIn(surroundings, namespace);
  }

  find(place: Pick<Place, 'resource' | 'alias'>): Promise<Stored<StoredCredential> | undefined> {
    return this.#records.findReadable(...placePath(place));
  }

  /** What lies at a place, and what to name in a change that replaces it. */
  lookAt(place: Pick<Place, 'resource' | 'alias'>): Promise<Sight<StoredCredential>> {
    return this.#records.lookAt(placePath(place));
  }

  /** The change that keeps a credential, to be committed with the end of its pending. */
  putting(
    place: Pick<Place, 'resource' | 'alias'>,
    value: StoredCredential,
    options: { expect?: string | undefined } = {},
  ): Change {
    return this.#records.putting(placePath(place), value, options);
  }

  /** The new version, if it was still the one that was read. */
  replace(from: Stored<StoredCredential>, value: StoredCredential): Promise<string | undefined> {
    return this.#records.put(from.path, value, { expect: from.version });
  }

  /** Marks a credential as no longer good, and forgets what it was; unless it has been replaced meanwhile. */
  async end(credential: Stored<StoredCredential>, kind: CredentialKind): Promise<boolean> {
    const account = accountOf(credential, kind);
    const ended = { ...credential.value, ended: true, credential: null, ...(account && { account }) };
    return (await this.replace(credential, ended)) !== undefined;
  }

  /** Remembers that its service has refused a credential; unless it has been replaced meanwhile. */
  async refuse(credential: Stored<StoredCredential>): Promise<boolean> {
    if (credential.value.refused === true) return true;
    return (await this.replace(credential, { ...credential.value, refused: true })) !== undefined;
  }

  /** At most 1,000, of one resource or of all; those that have ended only on request. */
  async list({
    resource,
    ended = false,
  }: {
    resource?: string;
    ended?: boolean;
  } = {}): Promise<Stored<StoredCredential>[]> {
    const under = resource === undefined ? [] : [resource];
    const found = await this.#records.list(under, { limit: 1_000 });
    return ended ? found : found.filter(({ value }) => value.ended !== true);
  }

  /** Forgets a credential; unless it is replaced meanwhile. */
  async drop(place: Pick<Place, 'resource' | 'alias'>): Promise<void> {
    const { expect } = await this.lookAt(place);
    await this.#records.delete(placePath(place), { expect });
  }
}

/** Whether something is stored that its kind can be asked about. */
export function isLive(
  stored: Stored<StoredCredential> | undefined,
  kind: CredentialKind,
): stored is Stored<StoredCredential> {
  return stored !== undefined && stored.value.ended !== true && stored.value.kind === kind.name;
}

/** Whose the credential of a place is, or was before it ended. */
export function accountOf(
  stored: Stored<StoredCredential> | undefined,
  kind: CredentialKind,
): Account | undefined {
  if (stored?.value.kind !== kind.name) return undefined;
  const { ended, account, credential } = stored.value;
  return ended === true ? account : kind.accountOf?.(credential);
}

/** How good a stored credential is: by its own account, by what its service has said of it, and by what those before it have shown. */
export function stateOfStored(value: StoredCredential, kind: CredentialKind, nowMs: number): CredentialState {
  if (value.refused === true) return 'over';
  return kind.stateOf?.(value.credential, nowMs, value.learnedLifetimeMs) ?? 'good';
}

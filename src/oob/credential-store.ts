import { z, type ZodType } from 'zod';
import type { Namespace } from '../namespace/namespace.ts';
import { storageOf } from '../namespace/namespace.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import type { Change, StorageBackend } from '../storage/contract.ts';

/** A credential as it is kept: sealed with the store, never sent to a client. */
export interface StoredCredential {
  readonly flow: string;
  /** What it was asked for with. What was granted of that, the credential itself says. */
  readonly scopes: readonly string[];
  /** When its person gave it. */
  readonly obtainedAtMs: number;
  readonly renewedAtMs?: number | undefined;
  /** It is no longer good. Its scopes are remembered, so that the next one is asked for with them, too. */
  readonly ended?: boolean | undefined;
  /** Whatever the flow keeps; gone when it has ended. */
  readonly credential: unknown;
}

const storedCredential: ZodType<StoredCredential> = z.looseObject({
  flow: z.string(),
  scopes: z.array(z.string()),
  obtainedAtMs: z.number(),
  renewedAtMs: z.number().optional(),
  ended: z.boolean().optional(),
  credential: z.unknown(),
});

/** The credentials of one namespace, by resource and alias. */
export class CredentialStore {
  readonly #records: Collection<StoredCredential>;

  constructor(backend: StorageBackend, namespace: Namespace) {
    this.#records = new Collection(storageOf(backend, namespace).namespace('credential'), storedCredential);
  }

  find(resource: string, alias: string): Promise<Stored<StoredCredential> | undefined> {
    return this.#records.find(resource, alias);
  }

  /** The change that keeps a credential, to be committed with the end of its pending. */
  putting(
    resource: string,
    alias: string,
    value: StoredCredential,
    options: { expect?: string } = {},
  ): Change {
    return this.#records.putting([resource, alias], value, options);
  }

  /** Whether it was still the one that was read. */
  async replace(from: Stored<StoredCredential>, value: StoredCredential): Promise<boolean> {
    return (await this.#records.put(from.path, value, { expect: from.version })) !== undefined;
  }

  /** Marks a credential as no longer good, and forgets what it was; unless it has been replaced meanwhile. */
  end(credential: Stored<StoredCredential>): Promise<boolean> {
    return this.replace(credential, { ...credential.value, ended: true, credential: null });
  }

  /** What there is, without the credentials themselves; at most 1,000. */
  async list(): Promise<
    { resource: string; alias: string; scopes: readonly string[]; obtainedAtMs: number }[]
  > {
    const found = await this.#records.list([], { limit: 1_000 });
    return found
      .filter(({ value }) => value.ended !== true)
      .map(({ path: [resource = '', alias = ''], value: { scopes, obtainedAtMs } }) => {
        return { resource, alias, scopes, obtainedAtMs };
      });
  }

  /** Forgets a credential, or all of a resource's. What is only no longer good is better told to `Credentials.reject`. */
  async forget(resource: string, alias?: string): Promise<void> {
    if (alias !== undefined) await this.#records.delete([resource, alias]);
    else await this.#records.storage.namespace(resource).clear();
  }
}

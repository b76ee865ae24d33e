import { hashId } from '../../core/random.ts';
import { clientIdentitySchema, type ClientIdentity } from '../../oauth/client-identity.ts';
import { Collection } from '../../storage/collection.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';

/** The clients that were registered dynamically. They belong to the application, not to one of its users. */
export class Registrations {
  readonly storage: NamespacedStorage;
  readonly #records: Collection<ClientIdentity>;

  constructor(backend: StorageBackend) {
    this.storage = new NamespacedStorage(backend, ['app', 'registration']);
    this.#records = new Collection(this.storage, clientIdentitySchema);
  }

  async find(issuer: string, redirectUri: string): Promise<ClientIdentity | undefined> {
    return (await this.#records.find(await placeOf(issuer, redirectUri)))?.value;
  }

  async put(client: ClientIdentity): Promise<void> {
    const expiresAtMs = client.secretExpiresAtMs;
    await this.#records.put([await placeOf(client.issuer, client.redirectUris[0] ?? '')], client, {
      expiresAtMs,
    });
  }

  /** Forgets a registration that the issuer has forgotten, if it is still the stored one. */
  async forget(client: ClientIdentity): Promise<void> {
    if (client.source !== 'dynamic') return;
    const place = await placeOf(client.issuer, client.redirectUris[0] ?? '');
    const stored = await this.#records.find(place);
    if (stored?.value.clientId === client.clientId)
      await this.#records.delete([place], { expect: stored.version });
  }
}

function placeOf(issuer: string, redirectUri: string): Promise<string> {
  return hashId(JSON.stringify([issuer, redirectUri]));
}

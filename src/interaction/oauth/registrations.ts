import * as z from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import { clientIdentitySchema, type ClientIdentity } from '../../oauth/client-identity.ts';
import { describeUrl } from '../../oauth/describe-url.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import { identifyClient, isRegisteredFor, type IdentifyClientOptions } from '../../oauth/registration.ts';
import { unionScopes } from '../../oauth/scopes.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { isUnreadable } from '../../storage/unreadable.ts';
import { acquireLease } from '../../sync/lease.ts';
import { retryConflicts } from '../../sync/retry-conflicts.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

/** A client registered this shortly before a link was made, or later, was registered for it: its issuer knows it. */
const freshMs = 60_000;

/** A document that an issuer could not use is tried there again after this long: its operator may have mended it. */
const documentRefusedMs = 24 * 60 * 60_000;

const refusedDocumentRecord = z.looseObject({ refusedAtMs: z.number() });

const pinRecord = z.looseObject({ issuer: z.string() });

/**
 * Who this application is at each issuer: the one owner of what was registered, by hand or dynamically.
 *
 * A client that was registered by hand belongs to one issuer, for good: the one it was first used with at a server, unless
 * its operator names another. One that registered itself is another at every issuer, and is replaced, by version, when its
 * issuer refuses it. Both belong to the application, not to one of its users.
 */
export class Registrations {
  readonly #surroundings: Surroundings;
  readonly #leaseMs: number;
  readonly #furtherRedirectUris: readonly string[];
  readonly #storage: NamespacedStorage;
  readonly #records: Collection<ClientIdentity>;
  readonly #pins: Collection<z.infer<typeof pinRecord>>;
  readonly #refusedDocuments: Collection<z.infer<typeof refusedDocumentRecord>>;

  /** @param furtherRedirectUris of this application, registered along with the one that a sign-in comes back to. */
  constructor(surroundings: Surroundings, leaseMs: number, furtherRedirectUris: readonly string[] = []) {
    const { storage } = surroundings;
    this.#surroundings = surroundings;
    this.#leaseMs = leaseMs;
    this.#furtherRedirectUris = furtherRedirectUris;
    this.#storage = new NamespacedStorage(storage, ['app', 'registration']);
    this.#records = new Collection(this.#storage, clientIdentitySchema);
    this.#pins = new Collection(new NamespacedStorage(storage, ['app', 'client-issuer']), pinRecord);
    const documents = new NamespacedStorage(storage, ['app', 'document-refused']);
    this.#refusedDocuments = new Collection(documents, refusedDocumentRecord);
  }

  /**
   * The client to use at the issuer that a server names. Written down before its secret, or its id, is first sent there.
   *
   * @param options `anew`: one that registered itself is replaced, once, whether or not its issuer has refused it.
   * @throws {PosternError} ERR_POSTERN_OAUTH_ISSUER_MISMATCH when a client that was registered by hand is another issuer's.
   * @throws {PosternError} as {@link identifyClient}.
   */
  async identify(
    { anew, ...options }: Omit<IdentifyClientOptions, 'stored'> & { readonly anew?: boolean | undefined },
    serverUrl: string,
    http: OAuthHttp,
  ): Promise<ClientIdentity> {
    const { preregistered, discovery, redirectUri } = options;
    if (preregistered !== undefined) {
      const client = await identifyClient(options, http);
      await this.#pin(client, serverUrl, preregistered.issuer !== undefined);
      return client;
    }
    const usable = await this.#withUsableDocument(options);
    const known = await this.#find(discovery.issuer, redirectUri);
    const isUsable = known !== undefined && anew !== true && isRegisteredFor(known.value, options.scopes);
    return isUsable
      ? this.#identify(usable, http, known, known.value)
      : this.#register(usable, http, anew === true ? known?.value : undefined);
  }

  /**
   * The client to go out as, where a link was made for another one: whatever has replaced that, or will now.
   *
   * @param link `wasInVain`: somebody went out before as the same one, and did not come back. The issuer may have forgotten
   * it, and only tells the person. It is replaced then, unless it was registered for this link.
   */
  async current(
    client: ClientIdentity,
    link: { readonly createdAtMs: number; readonly wasInVain: () => Promise<boolean> },
    options: Omit<IdentifyClientOptions, 'stored'>,
    http: OAuthHttp,
  ): Promise<ClientIdentity> {
    if (client.source === 'metadata-document') return this.#instead(client, link, options, http);
    if (client.source !== 'dynamic') return client;
    const stored = await this.#find(client.issuer, client.redirectUris[0]);
    if (stored === undefined) return this.#register(options, http);
    // More is asked for than it was registered for, since the link was made.
    if (!isRegisteredFor(stored.value, options.scopes))
      return this.#register(options, http).catch(() => stored.value);
    const isSame = stored.value.clientId === client.clientId;
    if (!isSame || isFresh(client, link.createdAtMs) || !(await link.wasInVain())) return stored.value;
    try {
      return await this.#register(options, http, client);
    } catch {
      // Perhaps the person was only slow: then this one is good.
      return client;
    }
  }

  /**
   * The client to use a grant with that it may not have registered for. One that registered itself without it does so anew,
   * in its own place.
   */
  async forGrant(
    client: ClientIdentity,
    grantType: string,
    options: Omit<IdentifyClientOptions, 'stored'>,
    http: OAuthHttp,
  ): Promise<ClientIdentity> {
    const may = ({ source, grantTypes }: ClientIdentity): boolean =>
      source !== 'dynamic' || grantTypes?.includes(grantType) === true;
    if (may(client)) return client;
    const stored = await this.#find(client.issuer, client.redirectUris[0]);
    if (stored !== undefined && may(stored.value)) return stored.value;
    return this.#register(options, http, stored?.value);
  }

  /**
   * Forgets a client that its issuer refuses, if it is still the stored one. Returns whether another can take its place, and
   * may fare better: it was not registered just for the link that was made then.
   *
   * An issuer that refuses a client named by its document could not read that: where it registers clients, one that
   * registers itself is next.
   *
   * @param registers whether the issuer registers clients, as far as is known.
   */
  async refused(
    client: ClientIdentity,
    linkCreatedAtMs: number = Number.POSITIVE_INFINITY,
    registers: boolean = true,
  ): Promise<boolean> {
    if (client.source === 'metadata-document') {
      if (registers) await this.#rememberRefused(client);
      return registers;
    }
    if (client.source !== 'dynamic') return false;
    const stored = await this.#find(client.issuer, client.redirectUris[0]);
    if (stored?.value.clientId === client.clientId)
      await this.#records.delete(stored.path, { expect: stored.version });
    return !isFresh(client, linkCreatedAtMs);
  }

  /**
   * An issuer refuses scopes of a client of which it is not known what it has registered for: perhaps less. It is
   * forgotten, unless it was registered just for the link that was made then. Returns whether another may fare better.
   */
  async scopesRefused(client: ClientIdentity, linkCreatedAtMs: number): Promise<boolean> {
    const isLimited = client.source === 'dynamic' && client.registeredScopes === undefined;
    return isLimited && !isFresh(client, linkCreatedAtMs) && this.refused(client, linkCreatedAtMs);
  }

  /** The client to go out as in place of one that is named by a document, where its issuer could not read that. */
  async #instead(
    client: ClientIdentity,
    link: { readonly wasInVain: () => Promise<boolean> },
    options: Omit<IdentifyClientOptions, 'stored'>,
    http: OAuthHttp,
  ): Promise<ClientIdentity> {
    if (options.discovery.server.registration_endpoint === undefined) return client;
    const isRefused = await this.#isRefused(client.issuer, client.clientId);
    if (!isRefused && !(await link.wasInVain())) return client;
    try {
      const registered = await this.#register(options, http);
      // Only now: where it cannot register either, the document is the best there is.
      if (!isRefused) await this.#rememberRefused(client);
      return registered;
    } catch {
      return client;
    }
  }

  async #withUsableDocument(
    options: Omit<IdentifyClientOptions, 'stored'>,
  ): Promise<Omit<IdentifyClientOptions, 'stored'>> {
    const { clientMetadataUrl: url, discovery } = options;
    if (url === undefined || discovery.server.registration_endpoint === undefined) return options;
    return (await this.#isRefused(discovery.issuer, url))
      ? { ...options, clientMetadataUrl: undefined }
      : options;
  }

  async #rememberRefused({ issuer, clientId }: ClientIdentity): Promise<void> {
    const refusedAtMs = await this.#surroundings.now();
    const expiresAtMs = refusedAtMs + documentRefusedMs;
    await this.#refusedDocuments.put([await placeOf(issuer, clientId)], { refusedAtMs }, { expiresAtMs });
    this.#surroundings.logger.warn('an issuer could not use the client metadata document', {
      issuer: describeUrl(issuer),
      document: describeUrl(clientId),
    });
  }

  async #isRefused(issuer: string, documentUrl: string): Promise<boolean> {
    return (await this.#refusedDocuments.findReadable(await placeOf(issuer, documentUrl))) !== undefined;
  }

  /** One registration for the application, not one for each of its users and processes. */
  async #register(
    options: Omit<IdentifyClientOptions, 'stored'>,
    http: OAuthHttp,
    instead?: ClientIdentity,
  ): Promise<ClientIdentity> {
    const { issuer } = options.discovery;
    await using _lease = await acquireLease(this.#storage, ['lease', issuer], {
      leaseMs: this.#leaseMs,
      waitMs: this.#leaseMs + 5_000,
      clock: this.#surroundings.clock,
    });
    const found = await this.#find(issuer, options.redirectUri);
    const stored = found?.value.clientId === instead?.clientId ? undefined : found?.value;
    // Awaited here, while the lease is held.
    return await this.#identify(options, http, found, stored);
  }

  /** @param stored what may be used again of what was found. */
  async #identify(
    options: Omit<IdentifyClientOptions, 'stored'>,
    http: OAuthHttp,
    found: Stored<ClientIdentity> | undefined,
    stored: ClientIdentity | undefined,
  ): Promise<ClientIdentity> {
    // What is registered anew covers what the one before did: servers of one issuer share it.
    const scopes = unionScopes(found?.value.registeredScopes, options.scopes);
    const furtherRedirectUris = this.#furtherRedirectUris;
    const client = await identifyClient({ ...options, furtherRedirectUris, scopes, stored }, http);
    if (client.source !== 'dynamic' || client === stored) return client;
    const { issuer, redirectUris, secretExpiresAtMs: expiresAtMs } = client;
    const registered = { ...client, registeredAtMs: await this.#surroundings.now() };
    const path = [await placeOf(issuer, redirectUris[0])];
    const expect = found?.version ?? (await this.#records.lookAt(path)).expect;
    const version = await this.#records.put(path, registered, { expect, expiresAtMs });
    if (version !== undefined) return registered;
    // Somebody was faster: one is enough.
    return (await this.#find(issuer, redirectUris[0]))?.value ?? registered;
  }

  /** One that was registered for this address; also from another address of this application, along with which this one was. */
  async #find(issuer: string, redirectUri: string | undefined): Promise<Stored<ClientIdentity> | undefined> {
    const own = await this.#findAt(issuer, redirectUri);
    if (own !== undefined || redirectUri === undefined) return own;
    for (const other of this.#furtherRedirectUris) {
      const found = await this.#findAt(issuer, other);
      if (found?.value.redirectUris.includes(redirectUri) === true) return found;
    }
    return undefined;
  }

  /** One that cannot be read any more is none: everybody would be locked out. */
  async #findAt(
    issuer: string,
    redirectUri: string | undefined,
  ): Promise<Stored<ClientIdentity> | undefined> {
    try {
      return await this.#records.find(await placeOf(issuer, redirectUri));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#surroundings.logger.error('a registration cannot be read, and is replaced', {
        issuer: describeUrl(issuer),
      });
      return undefined;
    }
  }

  /** @param isSaid the operator names the issuer: that replaces what was known. */
  async #pin({ clientId, issuer }: ClientIdentity, serverUrl: string, isSaid: boolean): Promise<void> {
    const path = await hashId(JSON.stringify([serverUrl, clientId]));
    await retryConflicts('the issuer of a client', async () => {
      // One that cannot be read counts as none: whoever can damage it could delete it as well.
      const { stored: found, expect } = await this.#pins.lookAt([path]);
      if (found?.value.issuer === issuer) return true;
      if (found !== undefined && !isSaid) throw otherIssuer(found.value.issuer, issuer);
      const version = await this.#pins.put([path], { issuer }, { expect });
      return version === undefined ? undefined : true;
    });
  }
}

function isFresh({ registeredAtMs = 0 }: ClientIdentity, linkCreatedAtMs: number): boolean {
  return registeredAtMs + freshMs > linkCreatedAtMs;
}

function placeOf(issuer: string, redirectUri = ''): Promise<string> {
  return hashId(JSON.stringify([issuer, redirectUri]));
}

function otherIssuer(known: string, named: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    `the configured client belongs to ${describeUrl(known)}, where it was first used, but the server now names ${describeUrl(named)}`,
    {
      hint: 'If the server has moved, register a client at the new issuer, and configure it with its "issuer".',
    },
  );
}

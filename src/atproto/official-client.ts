import type * as Library from '@atproto/oauth-client-node';
import type {
  NodeOAuthClient,
  NodeOAuthClientOptions,
  NodeSavedSession,
  NodeSavedState,
  OAuthClientMetadataInput,
} from '@atproto/oauth-client-node';
import type { JWK } from 'jose';
import { PosternError } from '../core/postern-error.ts';
import { createOAuthHttp, type OAuthHttp } from '../oauth/oauth-http.ts';
import { ShortMemory } from './short-memory.ts';

export type { NodeOAuthClient, NodeSavedSession, NodeSavedState };

/** How the AT Protocol network is reached. */
export interface AtprotoNetworkOptions {
  /** Requests to PDSs, authorization servers and the PLC directory. Default: `createOAuthHttp()`. */
  readonly http?: OAuthHttp | undefined;
  /** Where the documents of `did:plc:` are. Default `https://plc.directory`. */
  readonly plcDirectoryUrl?: string | undefined;
  /** A service that is asked for the DID of a handle, such as one's own PDS. Default: DNS and https, as the protocol says. */
  readonly handleResolver?: string | undefined;
}

/** A client as an authorization server sees it, and the private keys that prove it is the one. */
export interface ClientSetup {
  readonly metadata: OAuthClientMetadataInput;
  /** With a `kid` each. Left out: a public client. */
  readonly keys?: readonly JWK[] | undefined;
}

/** What one operation of the official client has stored, or found stored. */
export interface Slots {
  state?: { readonly key: string; readonly value: NodeSavedState } | undefined;
  session?: NodeSavedSession;
}

type OfficialLibrary = typeof Library;
type CacheName = 'authorizationServerMetadataCache' | 'protectedResourceMetadataCache';
/** What one of the official client's caches holds. */
type CachedBy<Name extends CacheName> = Parameters<NonNullable<NodeOAuthClientOptions[Name]>['set']>[1];

/** What limits one operation. */
export interface OperationLimits {
  /** After this long nothing more is sent, so that the operation ends while its lease lasts. */
  readonly sendsForMs?: number | undefined;
}

const cacheMs = 60_000;

/**
 * The official client, made anew for each operation.
 *
 * What it would keep goes into {@link Slots}, from where Postern keeps it: sealed, shared between processes, single-use by
 * version, renewed under a lease. What it may forget, nonces and metadata, is shared by all of them here.
 */
export class AtprotoNetwork {
  readonly http: OAuthHttp;
  readonly #options: AtprotoNetworkOptions;
  readonly #dpopNonceCache = new ShortMemory<string>(cacheMs);
  readonly #authorizationServerMetadataCache = new ShortMemory<CachedBy<'authorizationServerMetadataCache'>>(
    cacheMs,
  );
  readonly #protectedResourceMetadataCache = new ShortMemory<CachedBy<'protectedResourceMetadataCache'>>(
    cacheMs,
  );
  #library: Promise<OfficialLibrary> | undefined;

  constructor(options: AtprotoNetworkOptions = {}) {
    this.#options = options;
    this.http = options.http ?? createOAuthHttp();
  }

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the package is not installed. */
  library(): Promise<OfficialLibrary> {
    this.#library ??= import('@atproto/oauth-client-node').catch((cause: unknown) => {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        'the package "@atproto/oauth-client-node" could not be loaded',
        { cause, hint: 'Install it beside postern: npm install @atproto/oauth-client-node@0.5.3' },
      );
    });
    return this.#library;
  }

  /** A client that only looks things up. */
  async openAnonymous(): Promise<NodeOAuthClient> {
    const { atprotoLoopbackClientMetadata } = await this.library();
    return this.open({ metadata: atprotoLoopbackClientMetadata('http://localhost') }, {});
  }

  /** A client for one operation. */
  async open(
    { metadata, keys }: ClientSetup,
    slots: Slots,
    limits: OperationLimits = {},
  ): Promise<NodeOAuthClient> {
    const { NodeOAuthClient: Client, JoseKey } = await this.library();
    const keyset = keys && (await Promise.all(keys.map((key) => JoseKey.fromJWK({ ...key }))));
    const { plcDirectoryUrl, handleResolver } = this.#options;
    return new Client({
      clientMetadata: metadata,
      ...(keyset && { keyset }),
      ...(plcDirectoryUrl !== undefined && { plcDirectoryUrl }),
      ...(handleResolver !== undefined && { handleResolver }),
      fetch: fetchThrough(this.http, limits),
      // Which addresses may be reached is for `http` to say, whoever names them.
      allowHttp: true,
      dpopNonceCache: this.#dpopNonceCache,
      authorizationServerMetadataCache: this.#authorizationServerMetadataCache,
      protectedResourceMetadataCache: this.#protectedResourceMetadataCache,
      stateStore: {
        get: (key) => (slots.state?.key === key ? slots.state.value : undefined),
        set: (key, value) => void (slots.state = { key, value }),
        del: () => {},
      },
      sessionStore: {
        get: (did) => (slots.session?.tokenSet.sub === did ? slots.session : undefined),
        set: (_did, session) => void (slots.session = session),
        del: () => {},
      },
      // Whoever renews holds a lease already, among all processes.
      requestLock: async (_name, work) => work(),
    });
  }
}

/** The requests of the official client, held to the same rules as all others. */
function fetchThrough(http: OAuthHttp, { sendsForMs = Infinity }: OperationLimits): typeof fetch {
  const startedAt = performance.now();
  return async (input, init) => {
    if (performance.now() - startedAt > sendsForMs) throw tooSlow();
    const request = new Request(input, init);
    const { method, headers, signal } = request;
    const body = request.body === null ? undefined : await request.arrayBuffer();
    return http.fetch(request.url, { method, headers, signal, ...(body && { body }) });
  };
}

function tooSlow(): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_UNREACHABLE',
    'the servers of the account took too long to answer',
    {
      hint: 'Try again in a moment.',
    },
  );
}

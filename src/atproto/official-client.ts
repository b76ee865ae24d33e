import type {
  NodeOAuthClient,
  NodeOAuthClientOptions,
  NodeSavedSession,
  NodeSavedState,
} from '@atproto/oauth-client-node';
import { PosternError } from '../core/postern-error.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import type { ClientSetup } from './application.ts';
import type { AtprotoNetwork } from './network.ts';
import type { SavedSession } from './session-record.ts';

export type { NodeOAuthClient, NodeSavedState };

/** What one operation of the official client has stored, or found stored. */
export interface Slots {
  state?: { readonly key: string; readonly value: NodeSavedState };
  session?: SavedSession;
}

/** What limits one operation. */
export interface OperationLimits {
  /** After this long nothing more is sent, so that the operation ends while its lease lasts. */
  readonly sendsForMs?: number | undefined;
}

type Caches = Pick<
  NodeOAuthClientOptions,
  'dpopNonceCache' | 'authorizationServerMetadataCache' | 'protectedResourceMetadataCache'
>;

/** A client that only looks things up. */
export function openAnonymous(network: AtprotoNetwork): Promise<NodeOAuthClient> {
  const metadata = {
    client_id: 'http://localhost',
    redirect_uris: ['http://127.0.0.1/'],
    scope: 'atproto',
    token_endpoint_auth_method: 'none',
    dpop_bound_access_tokens: true,
  };
  return openClient(network, { metadata }, {});
}

/**
 * The official client, made anew for one operation.
 *
 * What it would keep goes into {@link Slots}, from where Postern keeps it: sealed, shared between processes, single-use by
 * version, renewed under a lease.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the package is not installed.
 */
export async function openClient(
  network: AtprotoNetwork,
  { metadata, keys }: ClientSetup,
  slots: Slots,
  limits: OperationLimits = {},
): Promise<NodeOAuthClient> {
  const { NodeOAuthClient: Client, JoseKey } = await loadLibrary();
  const keyset = keys && (await Promise.all(keys.map((key) => JoseKey.fromJWK({ ...key }))));
  const { plcDirectoryUrl, handleResolver, http } = network;
  return new Client({
    ...(network.remembered as Caches),
    clientMetadata: metadata as unknown as NodeOAuthClientOptions['clientMetadata'],
    ...(keyset && { keyset }),
    ...(plcDirectoryUrl !== undefined && { plcDirectoryUrl }),
    ...(handleResolver !== undefined && { handleResolver }),
    fetch: fetchThrough(http, limits),
    // Which addresses may be reached is for `http` to say, whoever names them.
    allowHttp: true,
    stateStore: {
      get: (key) => (slots.state?.key === key ? slots.state.value : undefined),
      set: (key, value) => void (slots.state = { key, value }),
      del: () => {},
    },
    sessionStore: {
      get: (did) => (slots.session?.tokenSet.sub === did ? (slots.session as NodeSavedSession) : undefined),
      set: (_did, session) => void (slots.session = session),
      del: () => {},
    },
    // Whoever renews holds a lease already, among all processes.
    requestLock: async (_name, work) => work(),
  });
}

async function loadLibrary() {
  try {
    return await import('@atproto/oauth-client-node');
  } catch (cause) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      'the package "@atproto/oauth-client-node" could not be loaded',
      { cause, hint: 'Install it beside postern: npm install @atproto/oauth-client-node@0.5.3' },
    );
  }
}

/** The requests of the official client, held to the same rules as all others. */
function fetchThrough(http: OAuthHttp, { sendsForMs = Infinity }: OperationLimits): typeof globalThis.fetch {
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

import type { JWK } from 'jose';
import { PosternError } from '../core/postern-error.ts';
import { checkPublicUrl } from '../web/public-url.ts';

/** A client as an authorization server sees it, and the private keys that prove it is the one. */
export interface ClientSetup {
  /** As in its metadata document. */
  readonly metadata: Readonly<Record<string, unknown>> & { readonly client_id: string };
  /** With a `kid` each. Left out: a public client. */
  readonly keys?: readonly JWK[] | undefined;
}

/** Who the application is at every authorization server of the network: it is registered at none of them. */
export interface AtprotoApplication {
  /** As whom a person is sent out who is to come back to this address. @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
  readonly setup: (callbackUrl: string) => ClientSetup;
  /** As whom a session was begun: it is renewed and ended as the same. @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
  readonly restore: (clientId: string) => ClientSetup;
}

export interface LoopbackApplicationOptions {
  /** Scopes, `atproto` among them. Default `atproto transition:generic`. */
  readonly scope?: string | undefined;
}

const defaultScope = 'atproto transition:generic';
const loopbackId = 'http://localhost';

/**
 * The application of this machine's gate: a public client that needs no registration, and says in its id where it listens.
 *
 * A server without a session asks for it as "An application on your device".
 */
export function loopbackApplication({
  scope = defaultScope,
}: LoopbackApplicationOptions = {}): AtprotoApplication {
  assertScope(scope);
  return {
    setup(callbackUrl) {
      const { hostname, protocol } = new URL(callbackUrl);
      if (protocol !== 'http:' || !['127.0.0.1', '[::1]'].includes(hostname)) {
        throw misconfigured(
          `a loopback application cannot be called back at ${JSON.stringify(hostname)}`,
          'thisMachine() listens on 127.0.0.1. A deployment is a webApplication({ publicUrl, keys, clientName }).',
        );
      }
      const query = new URLSearchParams({ scope, redirect_uri: callbackUrl });
      return restoreLoopback(`${loopbackId}?${query.toString()}`);
    },
    restore: restoreLoopback,
  };
}

export interface WebApplicationOptions {
  /** The deployment's, as its gate has it: the redirect URI is `<publicUrl>/callback`. Must be https. */
  readonly publicUrl: string;
  /** What people see when they are asked to consent. */
  readonly clientName: string;
  /**
   * Private keys for ES256, as JWKs with a `kid`. The first signs; the others are published, too, so that sessions they began
   * can be renewed. Whose session began with one that is taken out is asked to log in again.
   */
  readonly keys: readonly JWK[];
  /** Default `atproto transition:generic`. */
  readonly scope?: string | undefined;
}

/** A {@link AtprotoApplication} with documents of its own. */
export interface WebApplication extends AtprotoApplication {
  /** Its id: the address of its metadata document. */
  readonly clientId: string;
  /**
   * Answers `<publicUrl>/atproto-client-metadata.json` and `<publicUrl>/atproto-jwks.json`; `undefined` for anything else.
   * A property, so that it can be handed on as it is.
   *
   * @example
   * ```ts
   * const handler = async (request: Request) => (await application.fetch(request)) ?? oob.fetch(request);
   * ```
   */
  readonly fetch: (request: Request) => Promise<Response | undefined>;
}

/**
 * The application of a deployment: a confidential client, which proves itself by `private_key_jwt`. Its sessions last longer
 * than a public client's.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it cannot be one.
 */
export function webApplication(options: WebApplicationOptions): WebApplication {
  const baseUrl = checkPublicUrl(options.publicUrl);
  const { clientName, scope = defaultScope, keys } = options;
  assertScope(scope);
  if (!baseUrl.startsWith('https:'))
    throw misconfigured('the "publicUrl" of an AT Protocol application must be https');
  const isKey = ({ kty, crv, d, kid }: JWK): boolean =>
    kty === 'EC' && crv === 'P-256' && d !== undefined && (kid ?? '') !== '';
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
    throw misconfigured(
      '"keys" must hold private keys for ES256 (P-256), each with a "kid"',
      'jose makes one: generateKeyPair("ES256", { extractable: true }), and exportJWK.',
    );
  }
  const clientId = `${baseUrl}/atproto-client-metadata.json`;
  const jwksUrl = `${baseUrl}/atproto-jwks.json`;
  const metadata = {
    client_id: clientId,
    client_name: clientName,
    client_uri: new URL(baseUrl).origin,
    redirect_uris: [`${baseUrl}/callback`],
    scope,
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    dpop_bound_access_tokens: true,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks_uri: jwksUrl,
  } as const;
  const setup: ClientSetup = { metadata, keys };
  const documents: Readonly<Record<string, unknown>> = {
    [new URL(clientId).pathname]: metadata,
    [new URL(jwksUrl).pathname]: { keys: keys.map(publicPart) },
  };
  return {
    clientId,
    setup(callbackUrl) {
      if (metadata.redirect_uris[0] === callbackUrl) return setup;
      throw misconfigured('the "publicUrl" of the AT Protocol application is not that of the gate');
    },
    restore: (id) => (id.startsWith(loopbackId) ? restoreLoopback(id) : setup),
    async fetch({ url, method }) {
      const { pathname } = new URL(url);
      if (!Object.hasOwn(documents, pathname) || method !== 'GET') return undefined;
      return Response.json(documents[pathname], { headers: { 'cache-control': 'public, max-age=600' } });
    },
  };
}

/** A loopback client's id is all there is to know of it. */
function restoreLoopback(clientId: string): ClientSetup {
  const [id, query = ''] = clientId.split('?');
  if (id !== loopbackId)
    throw misconfigured('a session of a web application cannot be used by a loopback application');
  const params = new URLSearchParams(query);
  return {
    metadata: {
      client_id: clientId,
      scope: params.get('scope') ?? 'atproto',
      redirect_uris: params.getAll('redirect_uri'),
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      dpop_bound_access_tokens: true,
    },
  };
}

function publicPart({ kty, crv, x, y, kid }: JWK): JWK {
  return {
    kty: kty ?? 'EC',
    crv: crv ?? '',
    x: x ?? '',
    y: y ?? '',
    kid: kid ?? '',
    alg: 'ES256',
    use: 'sig',
  };
}

function assertScope(scope: string): void {
  if (!scope.split(' ').includes('atproto')) throw misconfigured('"scope" must have "atproto" in it');
}

function misconfigured(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}

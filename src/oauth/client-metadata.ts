import type { JWK } from 'jose';
import { PosternError } from '../core/postern-error.ts';
import { publicJwk } from './dpop.ts';
import { classifyHost } from '../http/host-class.ts';

/** What a client says about itself when it registers, and in its metadata document. */
export interface ClientMetadata {
  readonly clientName: string;
  readonly clientUri?: string | undefined;
  readonly logoUri?: string | undefined;
  readonly softwareId?: string | undefined;
  readonly softwareVersion?: string | undefined;
  readonly contacts?: readonly string[] | undefined;
}

/** What {@link clientMetadataDocument} takes. */
export interface ClientMetadataDocumentOptions {
  /** Where the document is served. It is the client's id. */
  readonly url: string;
  readonly metadata: ClientMetadata;
  readonly redirectUris: readonly string[];
  /** With keys the client authenticates by `private_key_jwt`; only their public parts are written. */
  readonly keys?: readonly JWK[] | undefined;
}

/**
 * The document to serve, as JSON, at a client metadata URL.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the URL cannot be a client id.
 */
export function clientMetadataDocument(options: ClientMetadataDocumentOptions): Record<string, unknown> {
  const { url, metadata, redirectUris, keys = [] } = options;
  checkDocumentUrl(url);
  const [first] = redirectUris;
  return {
    ...wireMetadata(metadata),
    client_id: url,
    redirect_uris: [...redirectUris],
    application_type: applicationType(first),
    // A server reads the one document for every way in that it has.
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    token_endpoint_auth_method: keys.length === 0 ? 'none' : 'private_key_jwt',
    ...(keys.length > 0 && { jwks: { keys: keys.map(publicKey) } }),
  };
}

function publicKey(jwk: JWK): JWK {
  const { kid, alg } = jwk;
  return {
    ...publicJwk(jwk),
    ...(kid !== undefined && { kid }),
    ...(alg !== undefined && { alg }),
    use: 'sig',
  };
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the URL is not https with a path. */
export function checkDocumentUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'https:' && parsed.pathname !== '/' && parsed.hash === '') return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'a client metadata URL must be https and have a path',
  );
}

/** The client's description in the names RFC 7591 gives its fields. */
export function wireMetadata(metadata: ClientMetadata): Record<string, string | string[]> {
  const { clientName, clientUri, logoUri, softwareId, softwareVersion, contacts } = metadata;
  return {
    client_name: clientName,
    ...(clientUri !== undefined && { client_uri: clientUri }),
    ...(logoUri !== undefined && { logo_uri: logoUri }),
    ...(softwareId !== undefined && { software_id: softwareId }),
    ...(softwareVersion !== undefined && { software_version: softwareVersion }),
    ...(contacts !== undefined && { contacts: [...contacts] }),
  };
}

/** `native` for a redirect to this machine, `web` for any other. @see RFC 7591 §2 */
export function applicationType(redirectUri: string | undefined): 'native' | 'web' {
  if (redirectUri === undefined || !URL.canParse(redirectUri)) return 'web';
  const { protocol, hostname } = new URL(redirectUri);
  const web = protocol === 'https:' || protocol === 'http:';
  return !web || classifyHost(hostname) === 'loopback' ? 'native' : 'web';
}

import type { JWK } from 'jose';
import {
  allowInsecureRequests,
  customFetch,
  dynamicClientRegistrationRequest,
  processDynamicClientRegistrationResponse,
  type AuthorizationServer,
} from 'oauth4webapi';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import type { ClientIdentity, TokenEndpointAuthMethod } from './client-identity.ts';
import { applicationType, checkDocumentUrl, wireMetadata, type ClientMetadata } from './client-metadata.ts';
import { describeUrl } from './describe-url.ts';
import type { Discovery } from './discovery.ts';
import { readJsonBody } from './json-body.ts';
import { numberOf } from './number-of.ts';
import { libraryCode, nameError, requestRefused } from './oauth-errors.ts';
import { bindsToCertificates, isTlsMethod, tlsMethods, withCertificate } from './mutual-tls.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { checkRedirectUri } from './profiles/redirect-fit.ts';
import { isSameIssuer } from './same-issuer.ts';
import { isScopeSubset } from './scopes.ts';
import { withServerWord } from './server-word.ts';

/** A client the operator registered by hand. */
export interface PreregisteredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly privateKeyJwk?: JWK | undefined;
  /** Default: what fits the secret or key, among what the server supports. */
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod | undefined;
  /** The only issuer it may be used with. Left out: the first that the server names, for good, where that can be written down. */
  readonly issuer?: string | undefined;
  /** The redirect URIs it was registered with. With them, one that does not fit is refused when a sign-in begins. */
  readonly redirectUris?: readonly string[] | undefined;
}

/** What {@link identifyClient} takes. */
export interface IdentifyClientOptions {
  readonly discovery: Pick<Discovery, 'issuer' | 'server'>;
  /** Left out for grants without a browser. */
  readonly redirectUri?: string | undefined;
  /** Registered along with it: where the application may move to, or comes from. */
  readonly furtherRedirectUris?: readonly string[] | undefined;
  readonly metadata: ClientMetadata;
  readonly preregistered?: PreregisteredClient | undefined;
  /** Where the client's own metadata document is served: https, with a path. */
  readonly clientMetadataUrl?: string | undefined;
  /** The key behind a metadata document that says `private_key_jwt`. */
  readonly clientMetadataKeyJwk?: JWK | undefined;
  /** What an earlier call returned; used again while issuer and redirect URI are the same. */
  readonly stored?: ClientIdentity | undefined;
  /** Sent when registering. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: `authorization_code` and `refresh_token`. */
  readonly grantTypes?: readonly string[] | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** Asked for as well, and left out when the issuer does not register a client that asks for them. */
  readonly optionalGrantTypes?: readonly string[] | undefined;
}

/**
 * Finds out who this client is at an issuer: registered by hand, else by its metadata document, else as it
 * registered itself before, else by registering now.
 *
 * The result belongs to that issuer and is stored by the caller. Where there is a certificate for the issuer, it is a client
 * with mutual TLS, whichever way it was found.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_ISSUER_MISMATCH when the preregistered client is for another issuer.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the preregistered client lacks a secret that the issuer wants,
 * or a certificate that it proves itself by, or was registered with other redirect URIs.
 * @throws {PosternError} ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED when the issuer leaves no way.
 * @throws {PosternError} ERR_POSTERN_OAUTH_REGISTRATION_REJECTED when registering was refused.
 */
export async function identifyClient(
  options: IdentifyClientOptions,
  http: OAuthHttp,
): Promise<ClientIdentity> {
  return withCertificate(await findClient(options, http), options.discovery.server, http);
}

async function findClient(options: IdentifyClientOptions, http: OAuthHttp): Promise<ClientIdentity> {
  const { discovery, preregistered, profile, stored } = options;
  const { issuer, server } = discovery;
  const isCertified = http.hasCertificateFor?.(issuer) === true;
  if (preregistered !== undefined) return usePreregistered(preregistered, options, isCertified);
  const byDocument = useMetadataDocument(options);
  if (byDocument !== undefined) return byDocument;
  if (stored !== undefined && isUsable(stored, options, http.clock())) return stored;
  const isOpen = server.registration_endpoint !== undefined && profile?.registration !== 'closed';
  if (isOpen) return registerWithMost(options, http);
  throw new PosternError(
    'ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED',
    `${describeUrl(issuer)} neither registers clients nor reads metadata documents we could name`,
    { hint: byHand(options) },
  );
}

/** What an operator has to do where nobody registers by themselves. */
function byHand({ profile, redirectUri }: IdentifyClientOptions): string {
  const hint = profile?.hints?.registration ?? 'Register a client there by hand, and configure its id.';
  return redirectUri === undefined ? hint : `${hint} The redirect URI is ${redirectUri}`;
}

function usePreregistered(
  client: PreregisteredClient,
  options: IdentifyClientOptions,
  isCertified: boolean,
): ClientIdentity {
  const { discovery, profile, redirectUri } = options;
  const { issuer, server } = discovery;
  if (client.issuer !== undefined && !isSameIssuer(client.issuer, issuer)) {
    throw new PosternError(
      'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
      `the configured client is for ${describeUrl(client.issuer)}, but the server now names ${describeUrl(issuer)}`,
      { hint: 'If the server has moved, register a client at the new issuer and configure that.' },
    );
  }
  if (profile?.clientSecret === 'required' && isWithoutProof(client)) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `${describeUrl(issuer)} wants the secret of its clients, in spite of PKCE, and none is configured`,
      { hint: profile.hints?.clientSecret ?? 'Configure the "clientSecret" of the client.' },
    );
  }
  if (redirectUri !== undefined) checkRedirectUri(redirectUri, issuer, profile, client.redirectUris);
  return {
    issuer,
    clientId: client.clientId,
    clientSecret: client.clientSecret,
    privateKeyJwk: client.privateKeyJwk,
    tokenEndpointAuthMethod:
      client.tokenEndpointAuthMethod ??
      (isCertified ? certifiedMethodFor(client, server) : undefined) ??
      methodFor(client, server, profile),
    source: 'preregistered',
    redirectUris: redirectUrisOf(options),
  };
}

function isWithoutProof({
  clientSecret,
  privateKeyJwk,
  tokenEndpointAuthMethod,
}: PreregisteredClient): boolean {
  return (
    clientSecret === undefined &&
    privateKeyJwk === undefined &&
    tokenEndpointAuthMethod !== 'private_key_jwt' &&
    !isTlsMethod(tokenEndpointAuthMethod)
  );
}

function useMetadataDocument(options: IdentifyClientOptions): ClientIdentity | undefined {
  const { clientMetadataUrl, clientMetadataKeyJwk, discovery } = options;
  if (clientMetadataUrl === undefined) return undefined;
  checkDocumentUrl(clientMetadataUrl);
  if (discovery.server.client_id_metadata_document_supported !== true) return undefined;
  return {
    issuer: discovery.issuer,
    clientId: clientMetadataUrl,
    privateKeyJwk: clientMetadataKeyJwk,
    tokenEndpointAuthMethod: clientMetadataKeyJwk === undefined ? 'none' : 'private_key_jwt',
    source: 'metadata-document',
    redirectUris: redirectUrisOf(options),
  };
}

function isUsable(stored: ClientIdentity, options: IdentifyClientOptions, nowMs: number): boolean {
  const { discovery, redirectUri } = options;
  return (
    stored.source === 'dynamic' &&
    stored.issuer === discovery.issuer &&
    (redirectUri === undefined || stored.redirectUris.includes(redirectUri)) &&
    (stored.secretExpiresAtMs === undefined || stored.secretExpiresAtMs > nowMs) &&
    isRegisteredFor(stored, options.scopes)
  );
}

/** Whether a client may ask for scopes as it is registered, as far as it is known. */
export function isRegisteredFor(
  { registeredScopes }: Pick<ClientIdentity, 'registeredScopes'>,
  scopes: readonly string[] = [],
): boolean {
  return registeredScopes === undefined || isScopeSubset(scopes, registeredScopes);
}

async function registerWithMost(options: IdentifyClientOptions, http: OAuthHttp): Promise<ClientIdentity> {
  const { grantTypes = ['authorization_code', 'refresh_token'], optionalGrantTypes = [] } = options;
  if (optionalGrantTypes.length === 0) return register(options, http);
  try {
    return await register({ ...options, grantTypes: [...grantTypes, ...optionalGrantTypes] }, http);
  } catch (error) {
    if (!isPosternError(error, 'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED')) throw error;
    return register(options, http);
  }
}

async function register(options: IdentifyClientOptions, http: OAuthHttp): Promise<ClientIdentity> {
  const { server } = options.discovery;
  const send = (metadata: SentMetadata): Promise<Response> =>
    dynamicClientRegistrationRequest(server, metadata, {
      [customFetch]: http.fetch,
      [allowInsecureRequests]: true,
    });
  const { scope, ...asked } = registrationMetadata(options, http);
  const response = await send({ ...asked, ...(scope !== undefined && { scope }) });
  // `scope` is optional there, and one of them may be all that is wrong.
  if (scope !== undefined && (response.status === 400 || response.status === 422))
    return processRegistration(options, asked, await send(asked), http);
  const client = await processRegistration(options, asked, response, http);
  return { ...client, registeredScopes: options.scopes ?? [] };
}

async function processRegistration(
  options: IdentifyClientOptions,
  asked: SentMetadata,
  response: Response,
  http: OAuthHttp,
): Promise<ClientIdentity> {
  const { issuer, server } = options.discovery;
  const { object: reply } = await readJsonBody(response);
  const { status } = response;
  if (status === 429 || status >= 500) {
    throw requestRefused({
      what: `the registration endpoint of ${describeUrl(issuer)}`,
      status,
      answer: reply,
      ...readRetryAfter(response, http.clock()),
    });
  }
  if (status !== 201 && status !== 200) {
    const error = rejected(options, `${nameErrorOf(reply)} (status ${status})`);
    throw withServerWord(error, { status, error: reply?.error, description: reply?.error_description });
  }
  if (reply === undefined) throw rejected(options, 'a reply that is no JSON object');
  const client = await processDynamicClientRegistrationResponse(tidied(reply)).catch((error: unknown) => {
    throw rejected(options, `a reply that cannot be used (${libraryCode(error)})`);
  });
  const uris = client.redirect_uris ?? redirectUrisOf(options);
  if (!Array.isArray(uris) || !redirectUrisOf(options).every((uri) => uris.includes(uri))) {
    throw rejected(options, 'other redirect URIs than were asked for');
  }
  const secret = client.client_secret as string | undefined;
  const method =
    client.token_endpoint_auth_method ??
    agreedMethod(String(asked['token_endpoint_auth_method']), secret, server);
  if (!isSupportedMethod(method)) throw rejected(options, 'a way to authenticate that is not supported here');
  if (secret === undefined && needsSecret(method))
    throw rejected(options, 'a way to authenticate with a secret, and without the secret');
  const secretExpiresAt = Number(client.client_secret_expires_at ?? 0);
  return {
    issuer,
    clientId: client.client_id,
    ...(secret !== undefined && { clientSecret: secret }),
    tokenEndpointAuthMethod: method,
    source: 'dynamic',
    redirectUris: redirectUrisOf(options),
    grantTypes: grantTypesIn(client.grant_types) ?? grantTypesIn(asked['grant_types']),
    ...(secretExpiresAt > 0 && { secretExpiresAtMs: secretExpiresAt * 1000 }),
  };
}

/** Where dates end; what is beyond lasts for ever, and could not be stored either. */
const lastSecond = 8.64e12;

/** A server may register less than it was asked for, and says what. */
function grantTypesIn(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((type) => typeof type === 'string') ? value : undefined;
}

/** Brings the replies of real servers into the form the standard gives them. */
function tidied(reply: Record<string, unknown>): Response {
  const { client_secret, client_secret_expires_at, ...rest } = reply;
  const expires = numberOf(client_secret_expires_at);
  const isTime = expires > 0 && expires <= lastSecond;
  const secret =
    client_secret === null || client_secret === ''
      ? {}
      : { client_secret, client_secret_expires_at: isTime ? expires : 0 };
  // Some answer 200 where the standard says 201.
  return Response.json({ ...rest, ...secret }, { status: 201 });
}

/** What a registration says, in the names of RFC 7591. */
type SentMetadata = Record<string, string | string[] | boolean>;

function registrationMetadata(
  options: IdentifyClientOptions,
  { hasCertificateFor }: Pick<OAuthHttp, 'hasCertificateFor'>,
): SentMetadata {
  const { discovery, redirectUri, scopes } = options;
  const isBound = bindsToCertificates(discovery.server) && hasCertificateFor?.(discovery.issuer) === true;
  const grantTypes = grantTypesFor(options);
  return {
    ...wireMetadata(options.metadata),
    redirect_uris: redirectUrisOf(options),
    application_type: applicationType(redirectUri),
    grant_types: grantTypes,
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: methodToAsk(discovery.server),
    ...(isBound && { tls_client_certificate_bound_access_tokens: true }),
    ...(scopes !== undefined && scopes.length > 0 && { scope: scopes.join(' ') }),
  };
}

function grantTypesFor(options: IdentifyClientOptions): string[] {
  const { grantTypes = ['authorization_code', 'refresh_token'], discovery } = options;
  const supported = discovery.server.grant_types_supported;
  // Some servers refuse a registration that names a grant they do not list.
  return grantTypes.filter((type) => type !== 'refresh_token' || supported?.includes(type) !== false);
}

/** PKCE makes a secret unnecessary, so we ask for none unless the server insists. */
function methodToAsk(server: AuthorizationServer): TokenEndpointAuthMethod {
  const supported = server.token_endpoint_auth_methods_supported;
  const preferred = ['none', 'client_secret_basic', 'client_secret_post'] as const;
  return preferred.find((method) => supported === undefined || supported.includes(method)) ?? 'none';
}

/** For a reply that names no method: the one asked for, unless a secret came that the server will want. */
function agreedMethod(asked: string, clientSecret: string | undefined, server: AuthorizationServer): string {
  const supported = server.token_endpoint_auth_methods_supported;
  if (clientSecret === undefined) return 'none';
  if (asked !== 'none') return asked;
  return supported?.includes('none') === true ? 'none' : methodFor({ clientSecret }, server);
}

/** By its certificate, where it has nothing else to prove itself with, and the server lets nobody go without. */
function certifiedMethodFor(
  { clientSecret, privateKeyJwk }: PreregisteredClient,
  { token_endpoint_auth_methods_supported: supported = [] }: AuthorizationServer,
): TokenEndpointAuthMethod | undefined {
  if (clientSecret !== undefined || privateKeyJwk !== undefined || supported.includes('none'))
    return undefined;
  return tlsMethods.find((method) => supported.includes(method));
}

function methodFor(
  client: Pick<PreregisteredClient, 'clientSecret' | 'privateKeyJwk'>,
  server: AuthorizationServer,
  profile?: IssuerProfile,
): TokenEndpointAuthMethod {
  if (client.privateKeyJwk !== undefined) return 'private_key_jwt';
  if (client.clientSecret === undefined) return 'none';
  const unsaid = profile?.clientSecretMethod ?? 'client_secret_basic';
  const supported = server.token_endpoint_auth_methods_supported ?? [unsaid];
  const postOnly = !supported.includes('client_secret_basic') && supported.includes('client_secret_post');
  return postOnly ? 'client_secret_post' : 'client_secret_basic';
}

function needsSecret(method: unknown): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

function isSupportedMethod(method: unknown): method is TokenEndpointAuthMethod {
  return method === 'none' || needsSecret(method);
}

function redirectUrisOf({
  redirectUri,
  furtherRedirectUris = [],
}: Pick<IdentifyClientOptions, 'redirectUri' | 'furtherRedirectUris'>): string[] {
  return redirectUri === undefined ? [] : [...new Set([redirectUri, ...furtherRedirectUris])];
}

function nameErrorOf(reply: Record<string, unknown> | undefined): string {
  return reply?.error === undefined ? 'a refusal' : nameError(reply.error);
}

function rejected(options: IdentifyClientOptions, what: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
    `${describeUrl(options.discovery.issuer)} answered the registration with ${what}`,
    { hint: byHand(options) },
  );
}

import { PosternError } from '../core/postern-error.ts';
import type { ClientIdentity } from './client-identity.ts';
import { describeUrl } from './describe-url.ts';
import type { Discovery } from './discovery.ts';
import { bindingKey } from './dpop.ts';
import type { Grant } from './grant-record.ts';
import { endpointsFor } from './mutual-tls.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { requestTokens } from './obtain-tokens.ts';
import { scopeParameter } from './profiles/shape-parameters.ts';
import { sendTokenRequest, type TokenRequestOptions } from './token-request.ts';
import { readTokenReply } from './token-response.ts';

/** What grants without a person take. */
export interface MachineGrantOptions extends TokenRequestOptions {
  readonly discovery: Pick<Discovery, 'issuer' | 'server' | 'resource' | 'dpopRequired'>;
  readonly client: ClientIdentity;
  readonly scopes?: readonly string[] | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** The operator allows endpoints in a private network: remembered, for whoever refreshes. */
  readonly privateNetwork?: boolean | undefined;
  /** Binds the tokens to a fresh key. Default: only when the resource requires it. */
  readonly dpop?: boolean | undefined;
}

/**
 * Obtains a grant in the client's own name.
 *
 * @throws {PosternError} as `exchangeCode` does.
 */
export async function clientCredentialsGrant(options: MachineGrantOptions, http: OAuthHttp): Promise<Grant> {
  return machineGrant('client_credentials', {}, options, http);
}

/**
 * Obtains a grant for an assertion: a workload's identity, or an ID-JAG of {@link exchangeForIdJag}.
 *
 * @throws {PosternError} as `exchangeCode` does.
 * @see RFC 7523 §2.1
 */
export async function jwtBearerGrant(
  options: MachineGrantOptions & { readonly assertion: string },
  http: OAuthHttp,
): Promise<Grant> {
  const { assertion } = options;
  return machineGrant('urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion }, options, http);
}

async function machineGrant(
  grantType: string,
  parameters: Readonly<Record<string, string>>,
  options: MachineGrantOptions,
  http: OAuthHttp,
): Promise<Grant> {
  const { discovery, client, scopes, profile } = options;
  const { issuer, resource } = discovery;
  const server = endpointsFor(discovery.server, client);
  checkIssuer(client, issuer);
  const endpoint = {
    issuer,
    ...(server.issuer !== issuer && { statedIssuer: server.issuer }),
    tokenEndpoint: server.token_endpoint ?? lacksTokenEndpoint(issuer),
    revocationEndpoint: server.revocation_endpoint,
    idTokenSigningAlgs: server.id_token_signing_alg_values_supported,
    client,
    resource,
    scopes,
    profile,
    ...(options.privateNetwork === true && { privateNetwork: true }),
    ...(await bindingKey(options)),
  };
  const { tokens, dpopNonce } = await requestTokens(
    endpoint,
    grantType,
    { ...parameters, ...scopeParameter(scopes, profile) },
    http,
    options,
  );
  return {
    ...endpoint,
    ...tokens,
    scopes: tokens.scopes ?? scopes,
    obtainedAtMs: http.clock(),
    dpopNonce,
  };
}

/** What {@link exchangeForIdJag} takes. */
export interface IdJagOptions extends TokenRequestOptions {
  /** The client at the identity provider. Its issuer is the provider's. */
  readonly client: ClientIdentity;
  /** Of the identity provider. */
  readonly tokenEndpoint: string;
  readonly subjectToken: string;
  /** Default: an ID token. */
  readonly subjectTokenType?: string | undefined;
  /** The issuer of the MCP server's authorization server. */
  readonly audience: string;
  /** The MCP server. */
  readonly resource: string;
  readonly scopes?: readonly string[] | undefined;
}

const idJagType = 'urn:ietf:params:oauth:token-type:id-jag';

/**
 * Exchanges a person's token at their identity provider for an assertion that the MCP server's
 * authorization server accepts. Resolves to the assertion, for {@link jwtBearerGrant}.
 *
 * @throws {PosternError} as `exchangeCode` does.
 * @see RFC 8693 §2
 */
export async function exchangeForIdJag(options: IdJagOptions, http: OAuthHttp): Promise<string> {
  const { client, tokenEndpoint, resource, audience, subjectToken } = options;
  const { issuer } = client;
  const { response } = await sendTokenRequest(
    { issuer, tokenEndpoint, client, resource },
    'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      requested_token_type: idJagType,
      audience,
      subject_token: subjectToken,
      subject_token_type: options.subjectTokenType ?? 'urn:ietf:params:oauth:token-type:id_token',
      ...scopeParameter(options.scopes, undefined),
    },
    http,
    options,
  );
  const reply = await readTokenReply(response, {
    issuer,
    secrets: [subjectToken, client.clientSecret],
    clock: http.clock,
  });
  const { access_token: assertion, issued_token_type: type } = reply;
  if (typeof assertion === 'string' && assertion !== '' && type === idJagType) return assertion;
  throw new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `the token endpoint of ${describeUrl(issuer)} answered the exchange with something other than an ID-JAG`,
  );
}

function checkIssuer(client: ClientIdentity, issuer: string): void {
  if (client.issuer === issuer) return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the client belongs to ${describeUrl(client.issuer)}, not to ${describeUrl(issuer)}`,
  );
}

/** @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID always. */
export function lacksTokenEndpoint(issuer: string): never {
  throw new PosternError(
    'ERR_POSTERN_OAUTH_METADATA_INVALID',
    `the metadata of ${describeUrl(issuer)} has no "token_endpoint"`,
  );
}

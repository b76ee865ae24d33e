import {
  getOAuthProtectedResourceMetadataUrl,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
  type AuthInfo,
} from '@modelcontextprotocol/server';
import type { AuthorizationServer } from './authorization-server.ts';
import type { Gate } from './mcp-endpoint.ts';

export interface TokenGateOptions {
  /** The resource that tokens must be for. */
  readonly url: string;
  readonly name: string;
  readonly authorizationServer: Pick<AuthorizationServer, 'issuer' | 'verifyAccessToken'>;
  /** What every request needs. Default nothing but a token. */
  readonly requiredScopes?: readonly string[];
  /** What there is to ask for, if that is to be said. */
  readonly scopesSupported?: readonly string[];
}

/** Lets in whoever has an access token of the authorization server, and says where to get one. */
export function createTokenGate(options: TokenGateOptions): Gate {
  const { url, authorizationServer, requiredScopes = [], scopesSupported } = options;
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(url));
  const metadata = {
    resource: url,
    resource_name: options.name,
    authorization_servers: [authorizationServer.issuer],
    ...(scopesSupported && { scopes_supported: scopesSupported }),
    bearer_methods_supported: ['header'],
  };
  const paths = new Set([new URL(resourceMetadataUrl).pathname, '/.well-known/oauth-protected-resource']);
  return {
    authenticate: requireBearerAuth({
      requiredScopes: [...requiredScopes],
      expectedResource: new URL(url),
      resourceMetadataUrl,
      verifier: { verifyAccessToken: (token) => verify(token, authorizationServer, url) },
    }),
    describe: (request) => (paths.has(new URL(request.url).pathname) ? Response.json(metadata) : undefined),
  };
}

/** What the token says goes on as claims: whose call it is comes from here, never from a tool's arguments. */
async function verify(
  token: string,
  authorizationServer: TokenGateOptions['authorizationServer'],
  url: string,
): Promise<AuthInfo> {
  const verified = await authorizationServer.verifyAccessToken(token, url);
  if (verified === undefined)
    throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here');
  return {
    token,
    clientId: verified.clientId,
    scopes: [...verified.scopes],
    expiresAt: verified.expiresAtSeconds,
    resource: new URL(verified.resource),
    extra: { iss: authorizationServer.issuer, sub: verified.subject, aud: verified.resource },
  };
}

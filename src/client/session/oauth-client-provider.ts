import { PosternError } from '../../core/postern-error.ts';
import { refusal, scopeParameter } from './session-auth-provider.ts';
import type { SessionCredential } from './session-credential.ts';

/** Where SDKs are led that would sign somebody in by themselves. The name leads nowhere (RFC 6761 §6.4), so nothing gets there. */
const nowhere = 'https://postern.invalid';

/** As much of the `OAuthClientProvider` of the official SDK, versions 1 and 2, and of the AI SDK as they ask of it here. */
export interface SessionOAuthClientProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: { redirect_uris: string[] };
  clientInformation(): { client_id: string };
  /** The access token to send now, renewed ahead of its end. Never a refresh token: nobody else renews. */
  tokens(): Promise<{ access_token: string; token_type: string } | undefined>;
  saveTokens(): void;
  /** Never sends anybody to that address: asks the session's person instead, by the one link. */
  redirectToAuthorization(authorizationUrl: URL): Promise<void>;
  saveCodeVerifier(): void;
  saveAuthorizationServerInformation(): void;
  codeVerifier(): never;
  discoveryState(): {
    authorizationServerUrl: string;
    resourceMetadata: { resource: string };
    authorizationServerMetadata: {
      issuer: string;
      authorization_endpoint: string;
      token_endpoint: string;
      response_types_supported: string[];
      code_challenge_methods_supported: string[];
    };
  };
}

/**
 * A session's credential for clients of MCP that take nothing but an `OAuthClientProvider`: the official SDK's version 1, and
 * what is built on it. Who takes a `fetch` is better off with `session.fetch`, and version 2 with `session.authProvider`.
 *
 * A call that needs its person fails with an {@link AuthorizationRequiredError} instead of the SDK's `UnauthorizedError`. The
 * callback comes to the coordinator, so there is no `finishAuth`: connect again once the person is done.
 *
 * An SDK sends a refused request once more only when it has been to a token endpoint itself, which it never does here. So a
 * call whose token its server has ended early fails once, with `ERR_POSTERN_AUTH_RENEWED`: by then the token is renewed.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED where the server has no `url`.
 * @example
 * new StreamableHTTPClientTransport(url, { authProvider: oauthClientProvider(client.session('calendar')) })
 */
export function oauthClientProvider(session: SessionCredential): SessionOAuthClientProvider {
  const { authProvider } = session;
  const redirectUrl = `${nowhere}/callback`;
  return {
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl] },
    clientInformation: () => ({ client_id: nowhere }),
    async tokens() {
      const token = await authProvider.token();
      return token === undefined ? undefined : { access_token: token, token_type: 'Bearer' };
    },
    saveTokens() {},
    async redirectToAuthorization(authorizationUrl) {
      // Who has found this server by itself asks for all that it offers, and not for what was missing.
      const asked = authorizationUrl.origin === nowhere ? authorizationUrl.searchParams.get('scope') : null;
      await askFor(session, asked ?? undefined);
      throw new PosternError(
        'ERR_POSTERN_AUTH_RENEWED',
        `the server ${JSON.stringify(session.server)} wanted another credential, and there is one by now`,
        { hint: 'Make the call again: it was not carried out.' },
      );
    },
    saveCodeVerifier() {},
    saveAuthorizationServerInformation() {},
    codeVerifier() {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        'a code was given to a client that has asked for none',
        { hint: 'The callback is the coordinator’s: mount its `fetch`, and leave out `finishAuth`.' },
      );
    },
    discoveryState: () => ({
      authorizationServerUrl: nowhere,
      resourceMetadata: { resource: authProvider.serverUrl },
      authorizationServerMetadata: {
        issuer: nowhere,
        authorization_endpoint: `${nowhere}/authorize`,
        token_endpoint: `${nowhere}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      },
    }),
  };
}

/** Whether it was a 401 or a 403, the SDKs do not say: what was asked for and not granted does. */
async function askFor(session: SessionCredential, asked: string | undefined): Promise<void> {
  const kept = await session.findKept();
  const isMore = kept !== undefined && asked?.split(' ').some((one) => !kept.scopes.includes(one)) === true;
  if (isMore) return session.authProvider.onInsufficientScope({ requiredScope: asked });
  const response = refusal(401, `Bearer error="invalid_token"${scopeParameter(asked)}`);
  return session.authProvider.onUnauthorized({ response });
}

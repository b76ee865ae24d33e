import { failureFields } from '../../core/failure-fields.ts';
import type { FetchLike } from '../../http/fetch-like.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { Logger } from '../../core/logger.ts';
import { verifiedClaims } from '../../namespace/verified-claims.ts';
import type { NamespaceProvider } from '../../namespace/namespace-provider.ts';
import { discoverAuthorizationServer } from '../../oauth/discovery.ts';
import { classifyHost } from '../../http/host-class.ts';
import { createOAuthHttp } from '../../oauth/oauth-http.ts';
import { allowPrivateNetwork } from '../../oauth/url-policy.ts';
import type { Access } from './access.ts';
import { bearerToken, challenge, notNow } from './bearer.ts';

export interface IssuerAccessOptions {
  readonly issuer: string;
  /** This server, as tokens name it. */
  readonly audience: string;
  /** The MCP endpoint, as clients know it. */
  readonly resource: string;
  readonly name: string;
  /** What clients are to ask for. */
  readonly scopes: readonly string[];
  readonly fetch?: FetchLike | undefined;
  readonly logger: Logger;
}

/** Who may call by the word of an issuer, and whom its tokens name. */
export interface IssuerAccess extends Access {
  readonly namespaces: NamespaceProvider;
}

/**
 * Whom an issuer's access tokens name: their signature, issuer, audience and expiry are verified here.
 *
 * @throws {PosternError} as discovery does, and ERR_POSTERN_CONFIG_MISCONFIGURED when the issuer publishes no keys.
 * @see RFC 9728 §3, §5.1
 */
export async function issuerAccess(options: IssuerAccessOptions): Promise<IssuerAccess> {
  const { issuer, audience, resource, name, scopes, fetch, logger } = options;
  const server = await discoverAuthorizationServer(
    issuer,
    createOAuthHttp({ fetch, network: {}, [allowPrivateNetwork]: isInside(issuer) }),
  );
  if (server.jwks_uri === undefined) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      'the issuer publishes no keys to verify its tokens with',
      {
        hint: 'Its metadata has no "jwks_uri", so its tokens are most likely no JWTs. Use API keys instead.',
      },
    );
  }
  const namespaces = verifiedClaims({ issuer, audience, jwks: new URL(server.jwks_uri), fetch });
  const { origin, pathname } = new URL(resource);
  const wellKnown = '/.well-known/oauth-protected-resource';
  const metadataPath = `${wellKnown}${pathname === '/' ? '' : pathname}`;
  const metadata = {
    resource,
    resource_name: name,
    authorization_servers: [issuer],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
  };
  const parameters = {
    resource_metadata: `${origin}${metadataPath}`,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  };
  return {
    namespaces,
    async admit(headers) {
      const token = bearerToken(headers);
      if (token === undefined) return challenge(false, parameters);
      try {
        return { user: (await namespaces.resolve({ token })).partition };
      } catch (error) {
        const known = findPosternError(error);
        const cause = findPosternError(known?.cause);
        if (cause?.facts.retry === true) {
          logger.warn('tokens cannot be verified just now', failureFields(cause));
          return notNow();
        }
        logger.debug('a caller was turned away', { why: known?.message });
        return challenge(true, parameters);
      }
    },
    describe(path) {
      return path === metadataPath || path === wellKnown
        ? Response.json(metadata, {
            headers: { 'access-control-allow-origin': '*', 'cache-control': 'max-age=300' },
          })
        : undefined;
    },
  };
}

/** An issuer within a private network, named by whoever runs this, may have the rest of itself there, too. */
function isInside(issuer: string): boolean {
  const url = URL.parse(issuer);
  return url !== null && classifyHost(url.hostname) !== 'public';
}

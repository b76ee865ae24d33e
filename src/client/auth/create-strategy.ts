import { defaultAlias } from '../account-alias.ts';
import { ApiKeyStrategy } from './api-key-strategy.ts';
import { AskedKeyStrategy } from './asked-key-strategy.ts';
import type { AuthStrategy, AuthStrategyDeps } from './auth-strategy.ts';
import { proofOf, readClient } from './client-config.ts';
import { NoAuthStrategy } from './no-auth-strategy.ts';
import { OAuthStrategy } from './oauth-strategy.ts';
import { readSecret, type SecretSource } from './secret-source.ts';
import { exceptionsOf } from '../security-exceptions.ts';
import { authOf, type ServerConfig } from '../server-config.ts';

/** The strategy a configuration asks for. HTTP servers may ask for OAuth at any time, so that is their default. */
export function createStrategy(
  options: Omit<AuthStrategyDeps, 'serverUrl' | 'storage'> & { readonly config: ServerConfig },
): AuthStrategy {
  const { config, context, server, alias } = options;
  const serverUrl = 'url' in config ? config.url : undefined;
  const account = alias === defaultAlias ? [] : ['alias', alias];
  const storage = context.storage.namespace('server', server, ...account, 'connection');
  const deps: AuthStrategyDeps = { ...options, reason: config.reason, serverUrl, storage };
  const auth = authOf(config);
  if (typeof auth === 'function') return auth(deps);
  switch (auth.type) {
    case 'none':
      return new NoAuthStrategy();
    case 'api_key':
      return auth.key === undefined
        ? new AskedKeyStrategy(deps, auth)
        : new ApiKeyStrategy({ key: keyFrom(auth.key), headerName: auth.headerName });
    case 'oauth': {
      const { client } = auth;
      return new OAuthStrategy(deps, { ...auth, client: client && (() => readClient(client)) });
    }
    case 'client_credentials':
    case 'jwt_bearer':
    case 'enterprise_managed':
      return new OAuthStrategy(deps, {
        scopes: auth.scopes,
        profile: auth.profile,
        ...exceptionsOf(auth),
        tokenOptions: proofOf(auth.client),
        machineGrant: async (request) => (await import('./machine-grants.ts')).machineGrantOf(auth)(request),
      });
  }
}

function keyFrom(key: SecretSource): string | (() => Promise<string>) {
  return typeof key === 'string' ? key : () => readSecret(key, 'an API key');
}

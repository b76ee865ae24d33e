import type { SecretSource } from '../client/auth/secret-source.ts';
import type { OAuthConfig } from '../client/server-config.ts';
import { misuse } from './misuse.ts';

/** What a command line may say of a sign-in. */
export interface OAuthOptions {
  readonly scope?: readonly string[] | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly resource?: string | undefined;
  readonly authorizeParam?: readonly string[] | undefined;
}

/**
 * The same in a server's configuration; `undefined` when nothing is said.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when an option has another form, or is a secret itself.
 */
export function oauthOf(options: OAuthOptions): OAuthConfig | undefined {
  const { clientId, clientSecret, scope, resource, authorizeParam } = options;
  if (clientId === undefined && clientSecret !== undefined) {
    throw misuse('"--client-secret" needs "--client-id"');
  }
  const given = {
    ...(clientId !== undefined && {
      client: { clientId, ...(clientSecret !== undefined && { clientSecret: secretAt(clientSecret) }) },
    }),
    ...(scope !== undefined && { scopes: scope.flatMap((text) => text.split(/\s+/u).filter(Boolean)) }),
    ...(authorizeParam !== undefined && { authorizeParams: Object.fromEntries(authorizeParam.map(pairIn)) }),
    ...(resource !== undefined && { profile: resource === 'none' ? { omitResource: true } : { resource } }),
  };
  return Object.keys(given).length === 0 ? undefined : { type: 'oauth', ...given };
}

function secretAt(where: string): SecretSource {
  const [, kind, at] = /^(env|file):(.+)$/su.exec(where) ?? [];
  if (at === undefined) {
    throw misuse(
      '"--client-secret" names where the secret is, and is not the secret: others on this machine can read arguments',
      'Give env:NAME or file:PATH.',
    );
  }
  return kind === 'env' ? { env: at } : { file: at };
}

function pairIn(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw misuse('"--authorize-param" wants name=value');
  return [text.slice(0, at), text.slice(at + 1)];
}

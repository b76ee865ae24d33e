import type { Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { Access } from './access/access.ts';
import { loopbackAccess } from './access/loopback-access.ts';
import type { ExposeOptions } from './expose-options.ts';
import type { ChildSecretsOptions } from './secrets/child-secrets.ts';

/** Who may call, and who is at a browser. What one choice needs is loaded for it alone. */
export interface OpenedAccess {
  readonly access: Access;
  /** Where pages live that ask a user for something, and who is there. Made when it is known where it listens. */
  readonly pagesAt: (origin: string) => Promise<ChildSecretsOptions['pages']>;
  /** Answers the pages on which somebody says who they are. */
  readonly signIn: (request: Request) => Promise<Response> | undefined;
}

/** Below this path of the server, users are asked for what their child needs. */
export const pagesPath = '/oob';
const signInPath = '/sign-in';

/**
 * Opens what tells callers and browsers apart, as the operator has chosen.
 *
 * @param resource the MCP endpoint, as clients know it.
 * @throws {PosternError} as `ApiKeyFile` and `issuerAccess`; ERR_POSTERN_CONFIG_MISCONFIGURED when secrets are wanted,
 * and nobody could tell whose browser is asked for them.
 */
export async function openAccess(
  options: ExposeOptions,
  name: string,
  resource: string,
  logger: Logger,
): Promise<OpenedAccess> {
  const { access = { by: 'loopback' }, secrets = [], storage, fetch } = options;
  let signIn: ((request: Request) => Promise<Response>) | undefined;
  const answer: OpenedAccess['signIn'] = (request) => {
    const { pathname } = new URL(request.url);
    // Also below where a proxy has left the path of the public address.
    return /\/sign-in(?:\/|$)/u.test(pathname) ? signIn?.(request) : undefined;
  };
  const appearance = { name };
  switch (access.by) {
    case 'loopback':
      return {
        access: loopbackAccess(),
        signIn: answer,
        pagesAt: async () => {
          const { thisMachine } = await import('../interaction/this-machine/this-machine.ts');
          return { gate: thisMachine({ appearance }) };
        },
      };
    case 'api-keys': {
      const { ApiKeyFile } = await import('./access/api-key-file.ts');
      const { apiKeyAccess } = await import('./access/api-key-access.ts');
      const keys = new ApiKeyFile(access.file);
      return {
        access: apiKeyAccess(keys, logger),
        signIn: answer,
        pagesAt: async (origin) => {
          const { keySignIn } = await import('./access/key-sign-in.ts');
          const made = keySignIn(keys, origin);
          signIn = made.fetch;
          return { publicUrl: `${origin}${pagesPath}`, verifyUser: made.verifyUser, appearance };
        },
      };
    }
    case 'issuer': {
      const { issuer, audience = resource, scopes = [], client } = access;
      if (secrets.length > 0 && client === undefined) {
        throw new PosternError(
          'ERR_POSTERN_CONFIG_MISCONFIGURED',
          'a secret of a user is only taken from that user, and nothing tells who is at a browser',
          {
            hint: `Register this server with the issuer, with the redirect URI <public URL>${signInPath}/callback, and say its --client-id.`,
          },
        );
      }
      const { issuerAccess } = await import('./access/issuer-access.ts');
      return {
        access: await issuerAccess({ issuer, audience, resource, name, scopes, fetch, logger }),
        signIn: answer,
        pagesAt: async (origin) => {
          const { browserSignIn } = await import('../browser-sign-in/browser-sign-in.ts');
          const made = browserSignIn({
            issuer,
            clientId: client?.id ?? '',
            clientSecret: client?.secret,
            publicUrl: `${origin}${signInPath}`,
            storage: storage as NonNullable<typeof storage>,
            appearance,
            logger,
            fetch,
          });
          signIn = made.fetch;
          return { publicUrl: `${origin}${pagesPath}`, verifyUser: made.verifyUser, appearance };
        },
      };
    }
  }
}

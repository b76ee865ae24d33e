import type { Logger } from '../../core/logger.ts';
import { PosternError } from '../../core/postern-error.ts';
import { checkPublicUrl } from '../../web/public-url.ts';
import type { VerifyUser } from '../../web/verify-user.ts';
import type { Gate } from './gate.ts';
import { verifyPerson } from './verify-person.ts';

/** As an option: let whoever holds a link finish it. Anybody can then put their account into somebody else's place. */
export const skipUserVerification: unique symbol = Symbol('skipUserVerification');

/** Where a deployment is, and who its users are. */
export interface DeploymentOptions {
  /** Where `fetch` is reachable for browsers, path included: `https://bot.example/postern`. */
  readonly publicUrl: string;
  /** The host's own session check. Required, unless {@link skipUserVerification} says otherwise. */
  readonly verifyUser?: VerifyUser | undefined;
  /** Serves this client's metadata document (CIMD) below `publicUrl`, under this name. Needs https. */
  readonly clientName?: string | undefined;
  /** Dangerous. See {@link skipUserVerification}. */
  readonly [skipUserVerification]?: boolean | undefined;
}

/**
 * The gate of what is deployed: links lead to the host's public address, in any process.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED without `verifyUser`, or with a `publicUrl` that browsers must
 * not be sent to.
 */
export function deployment(options: DeploymentOptions, logger: Logger): Gate {
  const baseUrl = checkPublicUrl(options.publicUrl);
  const { verifyUser, clientName } = options;
  const isFunction = typeof verifyUser === 'function';
  if (!isFunction && (verifyUser !== undefined || options[skipUserVerification] !== true)) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      'a deployment needs "verifyUser", a function',
      {
        hint: 'Pass a function that tells from a request who is signed in to your application.',
      },
    );
  }
  if (verifyUser === undefined) {
    logger.warn('a security exception has decided', { option: 'skipUserVerification', by: 'option' });
  }
  return {
    baseUrl,
    clientName,
    clientMetadataUrl:
      clientName !== undefined && baseUrl.startsWith('https:')
        ? `${baseUrl}/client-metadata.json`
        : undefined,
    answersInPlace: false,
    firstBrowserOwns: false,
    open: async () => {},
    attach: () => {},
    leadsHere: async () => true,
    isInitiator: (person, pending) => {
      if (verifyUser === undefined) return pending !== undefined;
      if (person === undefined || person === '') {
        throw new PosternError(
          'ERR_POSTERN_CONFIG_MISCONFIGURED',
          'a deployment must say which "person" it is',
          {
            hint: 'Pass the id of the user you have verified, as "verifyUser" would answer it.',
          },
        );
      }
      return person === pending?.initiator;
    },
    whoIsThere: async (request, pending) => {
      if (verifyUser === undefined) return { is: 'initiator' };
      const verdict = await verifyPerson(verifyUser, request, pending);
      if (verdict.is === 'stranger' && pending !== undefined) {
        const { id } = pending.namespace;
        logger.warn('a link was opened by another user than the one it was made for', { namespace: id });
      }
      return verdict;
    },
  };
}

import type { Logger } from '../../core/logger.ts';
import { PosternError } from '../../core/postern-error.ts';
import { within } from '../../sync/within.ts';
import { checkPublicUrl } from '../../web/public-url.ts';
import type { VerifyUser } from '../../web/verify-user.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Gate, Verdict } from './gate.ts';

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

/** How long the host has to say who is at the browser. */
const verifyMs = 10_000;

/**
 * The gate of what is deployed: links lead to the host's public address, in any process.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED without `verifyUser`, or with a `publicUrl` that browsers must
 * not be sent to.
 */
export function deployment(options: DeploymentOptions, logger: Logger): Gate {
  const baseUrl = checkPublicUrl(options.publicUrl);
  const { verifyUser, clientName } = options;
  if (verifyUser === undefined && options[skipUserVerification] !== true) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a deployment needs "verifyUser"', {
      hint: 'Pass a function that tells from a request who is signed in to your application.',
    });
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
    whoIsThere: async (request, pending) =>
      verifyUser === undefined ? { is: 'initiator' } : verdictOn(verifyUser, request, pending, logger),
  };
}

async function verdictOn(
  verifyUser: VerifyUser,
  request: Request,
  { initiator, namespace }: Pending,
  logger: Logger,
): Promise<Verdict> {
  const user = await askHost(verifyUser, request);
  if (user instanceof Response) return { is: 'answered', response: user };
  if (user === undefined || user === null || user === '') return { is: 'nobody' };
  if (typeof user !== 'string') {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `"verifyUser" answered with a ${typeof user}, not with a user's id`,
      { hint: 'Answer with text, with undefined for nobody, or with a Response.' },
    );
  }
  if (user === initiator) return { is: 'initiator' };
  logger.warn('a link was opened by another user than the one it was made for', { namespace: namespace.id });
  return { is: 'stranger' };
}

/** What it throws, unless that is an answer, is a failure of the host, not of the link. */
async function askHost(verifyUser: VerifyUser, request: Request): Promise<unknown> {
  // A copy: a host that reads the body must not keep the form's own page from it.
  const asked = (async () => verifyUser(request.clone()))();
  try {
    return await within(
      asked,
      verifyMs,
      () =>
        new PosternError('ERR_POSTERN_AUTH_UNVERIFIED', `"verifyUser" did not answer within ${verifyMs} ms`),
    );
  } catch (error) {
    if (error instanceof Response) return error;
    throw new PosternError('ERR_POSTERN_AUTH_UNVERIFIED', 'it could not be found out who is at the browser', {
      cause: error,
      hint: 'Try again in a moment.',
    });
  }
}

import { failureFields } from '../../core/failure-fields.ts';
import type { Logger } from '../../core/logger.ts';
import { isPosternError, PosternError } from '../../core/postern-error.ts';
import { lookOf, type Appearance } from '../../web/look.ts';
import { checkPublicUrl } from '../../web/public-url.ts';
import type { VerifyUser } from '../../web/verify-user.ts';
import type { AskedInteraction, Gate } from './gate.ts';
import { verifyPerson, whoIsAt } from './verify-person.ts';

/** As an option: let whoever holds a link finish it. Anybody can then put their account into somebody else's place. */
export const skipUserVerification: unique symbol = Symbol('skipUserVerification');

/** Where a deployment is, and who its users are. */
export interface DeploymentOptions {
  /** Where `fetch` is reachable for browsers, path included: `https://bot.example/postern`. */
  readonly publicUrl: string;
  /** The host's own session check. Required, unless {@link skipUserVerification} says otherwise. */
  readonly verifyUser?: VerifyUser | undefined;
  /**
   * Where people go back to when an interaction has ended, however it did: a button on its last page leads there. Decided
   * when the interaction is asked for. An address at the origin of `publicUrl`, or at one of `returnOrigins`; any other is
   * left out, and said in the log.
   *
   * @example
   * returnTo: ({ metadata }) => `/threads/${(metadata as { thread: string }).thread}`
   */
  readonly returnTo?: ((asked: AskedInteraction) => string | undefined) | undefined;
  /** Further origins that {@link returnTo} may lead to, such as `https://chat.example`. */
  readonly returnOrigins?: readonly string[] | undefined;
  /** How the pages look and speak. */
  readonly appearance?: Appearance | undefined;
  /**
   * Further callback URIs of this application, whole: `https://old.example/postern/callback`. They are registered along with
   * its own, `<publicUrl>/callback`, wherever it registers itself, and named in its metadata document: it can then move
   * there, or have come from there, as the same client. Whatever answers at them hands on to `fetch`.
   */
  readonly callbackUrls?: readonly string[] | undefined;
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
  const baseUrl = checkPublicUrl(options.publicUrl, 'publicUrl', 'the pages that links lead to');
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
  const origins = new Set(
    [baseUrl, ...(options.returnOrigins ?? [])].map(
      (text) => new URL(checkPublicUrl(text, 'returnOrigins')).origin,
    ),
  );
  const returnTo = (asked: AskedInteraction): string | undefined => {
    try {
      const text = options.returnTo?.(asked);
      if (text === undefined) return undefined;
      const url = URL.parse(text, baseUrl);
      if (url !== null && origins.has(url.origin) && url.username === '') return url.href;
      logger.error('a way back leads to an origin that is not allowed, and is left out', {
        kind: asked.kind,
      });
    } catch (error) {
      logger.error('a way back could not be had, and is left out', failureFields(error));
    }
    return undefined;
  };
  return {
    baseUrl,
    returnTo,
    look: lookOf(options.appearance, new URL(baseUrl).host),
    clientName,
    furtherCallbackUrls: (options.callbackUrls ?? []).map((text) => checkPublicUrl(text, 'callbackUrls')),
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
    ...(verifyUser !== undefined && { whoIs: (request) => whoIsAt(verifyUser, request, baseUrl) }),
    whoIsThere: async (request, pending) => {
      if (verifyUser === undefined) return { is: 'initiator' };
      const verdict = await verifyPerson(verifyUser, request, pending, baseUrl).catch((error: unknown) => {
        // On the page it is a code; who mounted the pages has to know what to do about it.
        if (isPosternError(error) && error.facts.fixedBy === 'developer') {
          logger.error(error.message, { code: error.code, hint: error.hint });
        }
        throw error;
      });
      if (verdict.is === 'stranger' && pending !== undefined) {
        logger.warn('a link was opened by another user than the one it was made for', {
          namespace: pending.namespace.id,
          verifyUserAnswered: verdict.person,
          linkIsFor: pending.initiator,
          hint: mismatchHint(verdict.person ?? '', pending.initiator),
        });
      }
      return verdict;
    },
  };
}

/** Of two names for one person, one is often the bare part of the other. */
function mismatchHint(answered: string, expected: string): string | undefined {
  const isPart = answered !== '' && expected.includes(answered);
  if (!isPart && !(expected !== '' && answered.includes(expected))) return undefined;
  return 'These look like two names for one person, and they are compared to the letter. Have "verifyUser" answer what the link is for: by default the id of the namespace or context, which "initiatorOf" of a server and "principal" of a context change.';
}

import type { Logger } from '../../core/logger.ts';
import { quoteIssuer } from '../../oauth/describe-url.ts';

/** What was let pass although it is less safe, by the name of the option that allows it. */
export interface SecurityException {
  readonly option: 'allowIssuerMismatch' | 'allowPkceUnadvertised' | 'allowPrivateNetwork';
  /** What has allowed it: that option, or a profile that knows the provider. */
  readonly by: 'option' | 'profile';
  readonly issuer?: string | undefined;
  readonly server?: string | undefined;
  /** What was reached in a private network. */
  readonly url?: URL | undefined;
}

/** Says in the operator's log that an exception has decided something: whoever has allowed it sees when it counts. */
export function logException(logger: Logger, exception: SecurityException): void {
  const { option, by, issuer, server, url } = exception;
  logger.warn('a security exception has decided', {
    option,
    by,
    ...(server !== undefined && { server }),
    ...(issuer !== undefined && { issuer: quoteIssuer(issuer) }),
    ...(url !== undefined && { host: url.host }),
  });
}

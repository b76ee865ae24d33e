import type { Logger } from '../../core/logger.ts';
import type { Namespace } from '../../namespace/namespace.ts';
import type { KeptCredential } from './kept-credential.ts';

/** Says in the log, in time, that a credential will need its person again. The person themselves are for the host to tell. */
export function warnOfPerson(
  logger: Logger,
  { id: namespace }: Namespace,
  { resource, condition, offlineDenied, personNeededAtMs }: KeptCredential,
): void {
  const fields = { namespace, resource, personNeededAtMs };
  if (offlineDenied === true)
    logger.warn('a credential came without a way to renew it, although that was asked for', fields);
  else if (condition === 'expiring') logger.warn('a credential needs its person again before long', fields);
}

import { PosternError } from '../../core/postern-error.ts';
import type { NetworkOptions } from '../network-options.ts';
import { crypto, tls } from './built-ins.ts';

/**
 * Reads what a network is to show and to trust, so that what is wrong with it is not said as of a server that does not answer.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it cannot be used.
 */
export function checkCertificates({ ca = [], clientCertificate }: NetworkOptions): void {
  // Of authorities that cannot be read, the secure context says nothing.
  for (const authority of [ca].flat()) usable('ca', () => new (crypto().X509Certificate)(authority));
  if (clientCertificate !== undefined)
    usable('clientCertificate', () => tls().createSecureContext({ ...clientCertificate }));
}

function usable(option: 'ca' | 'clientCertificate', read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    const { code = 'unreadable' } = cause as { code?: string };
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `"network.${option}" cannot be used: ${code}`,
      {
        hint: 'Certificates and keys are PEM texts, a key belongs to its certificate, and one that is encrypted needs its "passphrase".',
      },
    );
  }
}

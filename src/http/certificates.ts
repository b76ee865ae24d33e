import { PosternError } from '../core/postern-error.ts';
import type { ClientCertificate } from './network-options.ts';

/**
 * Set on the `init` of a request that is made as a client of an issuer, or with a token that is bound to one: the certificate
 * for that issuer is shown. A `fetch` that is not ours leaves it alone.
 */
export const asClientOf: unique symbol = Symbol('postern.asClientOf');

/** A request, with the issuer whose client makes it. */
export interface CertifiedInit extends RequestInit {
  readonly [asClientOf]?: string | undefined;
}

/** By issuer: see `NetworkOptions.clientCertificates`. */
export type ClientCertificates = Readonly<Record<string, ClientCertificate>>;

/**
 * Finds the certificate for an issuer, however it writes the slash at its end.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when one is for what is no issuer: an https URL.
 */
export function findCertificate(
  certificates: ClientCertificates = {},
): (issuer: string) => ClientCertificate | undefined {
  const issuers = Object.keys(certificates);
  const wrong = issuers.find((issuer) => URL.parse(issuer)?.protocol !== 'https:');
  if (wrong !== undefined) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `"network.clientCertificates" has ${JSON.stringify(wrong)}, which is no issuer`,
      { hint: 'Write each as the server names it, or as its metadata does: "https://login.example".' },
    );
  }
  const byIssuer = new Map(issuers.map((issuer) => [withoutSlash(issuer), certificates[issuer]]));
  return (issuer) => byIssuer.get(withoutSlash(issuer));
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/u, '');
}

import { encodeBase64Url } from '../core/base64url.ts';
import { PosternError } from '../core/postern-error.ts';
import { unverified } from './unverified-caller.ts';

/** Dangerous. Takes tokens that are bound to a key or a certificate without its proof: a gate in front has seen it. */
export const skipConfirmation: unique symbol = Symbol('postern.skipConfirmation');

/**
 * How a token names the certificate that it is bound to: `cnf["x5t#S256"]`.
 *
 * @param certificate of a connection: DER, as `socket.getPeerCertificate().raw` has it on Node, or PEM, as a proxy writes it.
 * Where there was none, nothing comes of it.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a text is no certificate in PEM.
 * @see RFC 8705 §3.1
 * @example
 * const { raw } = request.socket.getPeerCertificate();
 * const caller = { token, certificateThumbprint: await certificateThumbprint(raw) };
 */
export async function certificateThumbprint(
  certificate: Uint8Array | string | undefined,
): Promise<string | undefined> {
  if (certificate === undefined) return undefined;
  const der = typeof certificate === 'string' ? fromPem(certificate) : new Uint8Array(certificate);
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', der)));
}

/**
 * Holds a caller to what their token is bound to.
 *
 * @param confirmation the claim `cnf`.
 * @param presented what the caller's connection was made with.
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_UNVERIFIED when it is bound, and that was not proved.
 * @see RFC 8705 §3, RFC 9449 §7.2
 */
export function checkConfirmation(confirmation: unknown, presented: string | undefined): void {
  if (confirmation === undefined) return;
  const isNamed = typeof confirmation === 'object' && confirmation !== null && 'x5t#S256' in confirmation;
  const bound = isNamed ? confirmation['x5t#S256'] : undefined;
  if (bound === undefined) throw unverified('its token is bound to a key, which nobody has proved here');
  if (presented === undefined) throw unverified('its token is bound to a certificate, and none was seen');
  if (bound !== presented) throw unverified('its token is bound to another certificate');
}

function fromPem(pem: string): Uint8Array<ArrayBuffer> {
  const [, base64] = /-----BEGIN CERTIFICATE-----([\w+/=\s]+)-----END CERTIFICATE-----/u.exec(pem) ?? [];
  if (base64 === undefined)
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'the certificate is not in PEM');
  return Uint8Array.from(atob(base64.replaceAll(/\s/gu, '')), (letter) => letter.charCodeAt(0));
}

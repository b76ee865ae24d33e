/** What fits into a state, which goes through the address bar and the issuer. */
const maxLength = 1_024;

/**
 * An address of our own origin, whole; `undefined` for whatever leads elsewhere, or cannot be read.
 *
 * Put together from its parts, so that no user name comes along.
 */
export function ownAddress(text: string, origin: string): string | undefined {
  if (text.length > maxLength) return undefined;
  const url = URL.parse(text, `${origin}/`);
  return url?.origin === origin ? `${origin}${url.pathname}${url.search}${url.hash}` : undefined;
}

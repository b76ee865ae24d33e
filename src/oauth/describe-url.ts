/** What could be a key: letters and digits that are many and mixed. Servers are addressed by such, and some repeat what they were sent. */
const possibleKey = /[\w%.~=+-]{20,}/gu;
/** One that only names something, as a tenant. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;
/** A scheme, and not a text before a colon. */
const scheme = /^[a-z]{1,12}:$/u;

/** An issuer as it was written, quoted and cut short: it has neither a query nor a user, or it is no issuer. */
export function quoteIssuer(issuer: string): string {
  const isPlain = /^https?:\/\/[^\s?#@]{1,200}$/u.test(issuer) && URL.canParse(issuer);
  return isPlain ? JSON.stringify(issuer) : describeUrl(issuer);
}

/** The origin and path of a URL, quoted and cut short, without what could be a key in it: what an error may say about it. */
export function describeUrl(url: string | URL): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const shown = parsed === undefined ? undefined : describeParsed(parsed);
  if (shown === undefined) return '"a text that is no URL"';
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}

function describeParsed({ protocol, host, pathname }: URL): string | undefined {
  if (protocol === 'https:' || protocol === 'http:') {
    const path = pathname.replaceAll(possibleKey, (text) =>
      /\d/u.test(text) && !uuid.test(text) ? '…' : text,
    );
    return `${protocol}//${host}${path}`;
  }
  // Of other addresses the whole rest may be content.
  return scheme.test(protocol) ? `${protocol}…` : undefined;
}

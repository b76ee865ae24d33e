/** What could be a key: letters and digits that are many and mixed. Servers are addressed by such, and some repeat what they were sent. */
const possibleKey = /[\w%.~=+-]{20,}/gu;
/** One that only names something, as a tenant. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;
/** A scheme, and not a text before a colon. */
const scheme = /^[a-z]{1,12}:$/u;
/** An issuer has neither a query nor a user. */
const plainIssuer = /^(?<place>https?:\/\/[^\s/?#@]+)(?<path>(?:\/[^\s?#@]*)?)$/u;

/** An issuer as it was written, quoted, cut short and without what could be a key in it; of what is no issuer, {@link describeUrl}. */
export function quoteIssuer(issuer: string): string {
  const { place, path } = plainIssuer.exec(issuer)?.groups ?? {};
  if (place === undefined || path === undefined || issuer.length > 200 || !URL.canParse(issuer))
    return describeUrl(issuer);
  return JSON.stringify(place + withoutKeys(path));
}

/** The origin and path of a URL, quoted and cut short, without what could be a key in it: what an error may say about it. */
export function describeUrl(url: string | URL): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const shown = parsed === undefined ? undefined : describeParsed(parsed);
  if (shown === undefined) return '"a text that is no URL"';
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}

function describeParsed({ protocol, host, pathname }: URL): string | undefined {
  if (protocol === 'https:' || protocol === 'http:') return `${protocol}//${host}${withoutKeys(pathname)}`;
  // Of other addresses the whole rest may be content.
  return scheme.test(protocol) ? `${protocol}…` : undefined;
}

function withoutKeys(path: string): string {
  return path.replaceAll(possibleKey, (text) => (/\d/u.test(text) && !uuid.test(text) ? '…' : text));
}

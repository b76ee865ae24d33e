/** An issuer as it was written, quoted and cut short: it has neither a query nor a user, or it is no issuer. */
export function quoteIssuer(issuer: string): string {
  const isPlain = /^https?:\/\/[^\s?#@]{1,200}$/u.test(issuer) && URL.canParse(issuer);
  return isPlain ? JSON.stringify(issuer) : describeUrl(issuer);
}

/** The origin and path of a URL, quoted and cut short: what an error may say about it. */
export function describeUrl(url: string | URL): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const shown =
    parsed === undefined ? 'a text that is no URL' : `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  return JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}

const label = String.raw`[a-z\d](?:[\w-]{0,61}[a-z\d])?`;
const host = new RegExp(String.raw`^${label}(?:\.${label})*(?::\d{1,5})?$`, 'u');
/** At least two labels below the star: `*.com` would be half of the web. */
const below = new RegExp(String.raw`^\*(?:\.${label}){2,}$`, 'u');

/** Whether a text names a host, as `login.example` or `127.0.0.1:8080`, or all hosts below one, as `*.login.example`. */
export function isHostPattern(text: string): boolean {
  return host.test(text) || below.test(text);
}

/**
 * Whether the host of a URL is the one that is named, or lies below it by whole labels: `*.okta.com` is `acme.okta.com`,
 * and neither `okta.com` nor `evil-okta.com` nor `acme.okta.com.evil.example`.
 */
export function matchesHost(url: string | URL, pattern: string): boolean {
  if (!URL.canParse(url)) return false;
  const { host: whole, hostname } = new URL(url);
  if (!pattern.startsWith('*.')) return whole === pattern;
  const suffix = pattern.slice(1);
  return hostname.endsWith(suffix) && hostname.length > suffix.length;
}

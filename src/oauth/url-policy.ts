import { PosternError, type PosternErrorOptions } from '../core/postern-error.ts';
import { describeUrl } from './describe-url.ts';
import { classifyHost } from '../http/host-class.ts';

/** Lets requests reach loopback and private addresses whatever the server's own address is. */
export const allowPrivateNetwork: unique symbol = Symbol('postern.allowPrivateNetwork');

/** Whose configuration a URL is judged by. */
export interface UrlPolicy {
  /** The MCP server the operator configured. When it is itself loopback or private, so may be what it names. */
  readonly trustedBy?: string | URL | undefined;
  readonly [allowPrivateNetwork]?: boolean | undefined;
  /** Is told of every URL that passes only for {@link allowPrivateNetwork}. */
  readonly onPrivateNetwork?: ((url: URL) => void) | undefined;
}

/**
 * Checks a URL that somebody else's document named, and returns it parsed.
 *
 * Only `https`, or `http` to loopback. Loopback and private addresses only where the policy trusts them;
 * link-local, unspecified and IPv4-in-IPv6 addresses never. A name is not resolved.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when the URL is not such a one.
 */
export function checkUrl(url: string | URL, policy: UrlPolicy = {}): URL {
  if (!URL.canParse(url)) throw forbidden(url, 'cannot be read');
  const parsed = new URL(url);
  const { protocol, hostname } = parsed;
  if (protocol !== 'https:' && protocol !== 'http:') throw forbidden(url, 'is neither https nor http');
  if (parsed.username !== '' || parsed.password !== '') throw forbidden(url, 'carries a user name');
  // The URL parser lets `$(…)` through as a host, and hosts reach programs that open browsers.
  if (!/^(?:[\w.-]+|\[[\da-f:]+\])$/u.test(hostname) || hostname.startsWith('-')) {
    throw forbidden(url, 'names an impossible host');
  }
  const place = classifyHost(hostname);
  if (protocol === 'http:' && place !== 'loopback') throw forbidden(url, 'is not https');
  if (place === 'reserved') throw forbidden(url, 'leads to a reserved address');
  if (place !== 'public' && !isTrustedByServer(policy)) {
    if (policy[allowPrivateNetwork] !== true) throw leadsInside(url);
    policy.onPrivateNetwork?.(parsed);
  }
  return parsed;
}

/**
 * Checks a URL that a browser will open, and returns it with every character a shell could read encoded.
 *
 * `&` and `%` stay: a query cannot be written without them.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN as {@link checkUrl} does.
 */
export function checkBrowserUrl(url: string | URL, policy: UrlPolicy = {}): string {
  const { origin, pathname, search } = checkUrl(url, policy);
  return origin + (pathname + search).replace(/[^\w\-.~/?=&%+:,@]/gu, encodeCharacter);
}

function encodeCharacter(character: string): string {
  return Array.from(
    new TextEncoder().encode(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** Whether a URL may lead inside, whatever its name resolves to: its host was named by the operator, or is trusted by what was. */
export function isTrustedInside(url: URL, policy: UrlPolicy): boolean {
  const { trustedBy } = policy;
  return (
    policy[allowPrivateNetwork] === true ||
    isTrustedByServer(policy) ||
    (trustedBy !== undefined && URL.parse(trustedBy)?.hostname === url.hostname)
  );
}

function isTrustedByServer({ trustedBy }: UrlPolicy): boolean {
  if (trustedBy === undefined || !URL.canParse(trustedBy)) return false;
  const place = classifyHost(new URL(trustedBy).hostname);
  return place === 'loopback' || place === 'private';
}

function leadsInside(url: string | URL): PosternError {
  return forbidden(url, 'leads into a private network', {
    hint: 'The operator of that server has to look. Where it is right, whoever runs this program sets "allowPrivateNetwork" for the server.',
  });
}

function forbidden(url: string | URL, why: string, options?: PosternErrorOptions): PosternError {
  return new PosternError('ERR_POSTERN_OAUTH_URL_FORBIDDEN', `${describeUrl(url)} ${why}`, options);
}

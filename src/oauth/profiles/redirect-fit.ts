import { PosternError } from '../../core/postern-error.ts';
import { describeUrl } from '../describe-url.ts';
import { classifyHost } from '../../http/host-class.ts';
import type { IssuerProfile } from './issuer-profile.ts';

/**
 * Whether an issuer would send anybody back to a redirect URI, as far as it is known: said when a sign-in begins, and not
 * by the issuer's page to a person who can do nothing about it.
 *
 * @param registered the URIs that the client was registered with by hand, where the operator says.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED
 */
export function checkRedirectUri(
  redirectUri: string,
  issuer: string,
  profile: IssuerProfile | undefined,
  registered?: readonly string[],
): void {
  const accepted = profile?.redirectUris;
  if (accepted?.some((rule) => fits(redirectUri, rule, profile)) === false) {
    throw misfit(redirectUri, issuer, profile, `which accepts only ${accepted?.join(', ')}`);
  }
  if (registered?.some((uri) => isSame(redirectUri, uri, profile)) === false) {
    throw misfit(
      redirectUri,
      issuer,
      profile,
      `where the client is registered with ${registered?.join(', ')}`,
    );
  }
}

function fits(redirectUri: string, rule: string, profile: IssuerProfile | undefined): boolean {
  const { protocol, hostname } = new URL(redirectUri);
  switch (rule) {
    case 'https':
      return protocol === 'https:';
    case 'loopback':
      return protocol === 'http:' && classifyHost(hostname) === 'loopback';
    case 'localhost':
      return protocol === 'http:' && hostname === 'localhost';
    default:
      return isSame(redirectUri, rule, profile);
  }
}

/** @see RFC 8252 §7.3, by which the port of an address of this machine does not count, and that of its name does. */
function isSame(redirectUri: string, registered: string, profile: IssuerProfile | undefined): boolean {
  if (redirectUri === registered) return true;
  if (!URL.canParse(registered)) return false;
  const [ours, theirs] = [new URL(redirectUri), new URL(registered)];
  const isFree =
    ours.protocol === 'http:' &&
    classifyHost(ours.hostname) === 'loopback' &&
    (profile?.loopbackPort ?? (ours.hostname === 'localhost' ? 'exact' : 'any')) === 'any';
  ours.port = theirs.port;
  return isFree && ours.href === theirs.href;
}

function misfit(
  redirectUri: string,
  issuer: string,
  profile: IssuerProfile | undefined,
  why: string,
): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the redirect URI ${JSON.stringify(redirectUri)} does not fit ${describeUrl(issuer)}, ${why}`,
    {
      hint:
        profile?.hints?.redirectUri ??
        'Register that redirect URI there, or give this program an address that is registered.',
    },
  );
}

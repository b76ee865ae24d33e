import type { Ending } from '../../interaction/credential-kind.ts';
import type { Forgotten } from '../../interaction/credentials/retirements.ts';
import type { LogoutResult } from './auth-strategy.ts';

/** A logout in the words of its person. */
export function toLogoutResult({ revocation, parts, failure }: Forgotten): LogoutResult {
  switch (revocation) {
    case 'confirmed':
      return { revoked: true };
    case 'unsupported':
    case 'refused':
      return { revoked: false, ...(parts && { tokens: parts }), reason: reasonOf(revocation, parts) };
    case 'unconfirmed':
      return { revoked: false, reason: `the issuer did not confirm (${failure ?? 'no code'})` };
    case 'nothing':
      return { revoked: false, reason: 'there was nothing to revoke' };
  }
}

const names: Readonly<Record<string, string>> = {
  refreshToken: 'the refresh token',
  accessToken: 'the access token',
};
const ends: Readonly<Record<Ending, string>> = {
  confirmed: 'is dead',
  unsupported: 'is good until it expires, since its issuer offers no way to end it',
  refused: 'is good until it expires, since its issuer refuses to end it',
};

function reasonOf(revocation: 'unsupported' | 'refused', parts: Forgotten['parts'] = {}): string {
  const each = Object.entries(parts);
  if (new Set(Object.values(parts)).size > 1)
    return `it is forgotten here; ${each.map(([name, end]) => `${names[name] ?? name} ${ends[end]}`).join('; ')}`;
  return revocation === 'refused'
    ? 'it is forgotten here; whoever issued it refuses to end it'
    : 'it is forgotten here; whoever issued it offers no way to end it';
}

import { findProvider, layered, profileOf, type ProfileSubject } from '../oauth/profiles/find-profile.ts';
import type { IssuerProfile } from '../oauth/profiles/issuer-profile.ts';
import type { Provider } from '../oauth/profiles/providers.ts';
import type { Step } from './step.ts';

/** How an issuer differs, as far as it is known or configured: as a sign-in would take it. */
export function profileFor(
  { url, options }: Pick<Step, 'url' | 'options'>,
  subject: ProfileSubject,
): IssuerProfile {
  const known = profileOf({ ...subject, serverUrl: url.href }, options.profiles);
  return layered(known, options.auth?.profile ?? {});
}

/** The provider that is recognised, if any. */
export function providerFor({ url }: Pick<Step, 'url'>, subject: ProfileSubject): Provider | undefined {
  return findProvider({ ...subject, serverUrl: url.href });
}

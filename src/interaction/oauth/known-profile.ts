import type { Discovery } from '../../oauth/discovery.ts';
import { layered, profileOf } from '../../oauth/profiles/find-profile.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';

interface Plan {
  readonly discovery: Pick<Discovery, 'issuer' | 'server'>;
  readonly profile?: IssuerProfile | undefined;
}

/** The same plans, each with what is known of its issuer below the profile that it was given. */
export function withKnownProfile<Q, P extends Plan>(
  authorize: (request: Q) => P | Promise<P>,
): (request: Q) => Promise<P> {
  return async (request) => {
    const plan = await authorize(request);
    return { ...plan, profile: layered(profileOf(plan.discovery), plan.profile ?? {}) };
  };
}

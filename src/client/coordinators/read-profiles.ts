import { PosternError } from '../../core/postern-error.ts';
import { givenProfilesSchema, type IssuerProfiles } from '../../oauth/profiles/issuer-profile.ts';
import { configProblems } from '../config-problems.ts';

/** Profiles as a host gave them. @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED */
export function readProfiles(profiles: IssuerProfiles | undefined): IssuerProfiles | undefined {
  const { error } = givenProfilesSchema.optional().safeParse(profiles);
  if (error === undefined) return profiles;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the profiles are not right: ${configProblems(error, profiles, 'profiles').words}`,
    { hint: 'Profiles are named by an issuer, a host, or "*." and the host they lie below.' },
  );
}

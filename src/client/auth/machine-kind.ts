import type { CredentialKind } from '../../interaction/credential-kind.ts';
import type { ServerSignIn } from '../../interaction/oauth/server-sign-in.ts';
import type { Challenge } from '../../oauth/challenge.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import { allowPrivateNetwork } from '../../oauth/url-policy.ts';
import type { AuthCoordinator } from '../coordinators/auth-coordinator.ts';
import type { MachineGrant } from './machine-grants.ts';

/** The life of a grant that needs no person: kept, renewed and shared like any other, and obtained where others ask. */
export function machineKind(
  coordinator: AuthCoordinator,
  options: ServerSignIn,
  machineGrant: MachineGrant,
  tokenOptions: TokenRequestOptions | undefined,
): CredentialKind<Grant> {
  const signIn = { ...options, unattended: true };
  const privateNetwork = signIn[allowPrivateNetwork];
  const http = coordinator.httpFor(signIn.serverUrl, privateNetwork);
  const obtain = async (
    at: { discovery: Discovery; profile: IssuerProfile; scopes: readonly string[] | undefined },
    through: OAuthHttp = http,
  ): Promise<Grant> => {
    const signIns = await coordinator.signIns();
    return machineGrant({
      ...at,
      privateNetwork,
      http: through,
      identify: (client) => signIns.identifyMachine(signIn, at, client),
    });
  };
  return {
    // Ahead of its end it is replaced at the issuer it came from; after a refusal the server is asked which.
    ...coordinator.grantKind(tokenOptions, (grant, clock) =>
      obtain(
        { discovery: discoveryOf(grant), profile: grant.profile ?? {}, scopes: grant.scopes },
        withClock(http, clock),
      ),
    ),
    obtain: async ({ cause, scopes: wanted }) => {
      const signIns = await coordinator.signIns();
      const prepared = await signIns.prepare(signIn, cause as Challenge | undefined, wanted);
      return { credential: await obtain(prepared), scopes: prepared.scopes ?? [] };
    },
  };
}

/** As much of a discovery as a grant remembers. */
function discoveryOf({ issuer, statedIssuer = issuer, resource, ...grant }: Grant): Discovery {
  const { tokenEndpoint, revocationEndpoint, idTokenSigningAlgs, dpopKeyJwk } = grant;
  return {
    issuer,
    resource,
    server: {
      issuer: statedIssuer,
      token_endpoint: tokenEndpoint,
      ...(revocationEndpoint !== undefined && { revocation_endpoint: revocationEndpoint }),
      ...(idTokenSigningAlgs && { id_token_signing_alg_values_supported: [...idTokenSigningAlgs] }),
    },
    legacyEndpoints: false,
    dpopRequired: dpopKeyJwk !== undefined,
  };
}

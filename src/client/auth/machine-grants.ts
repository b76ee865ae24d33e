import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { discoverAuthorizationServer, type Discovery } from '../../oauth/discovery.ts';
import { clientCredentialsGrant, exchangeForIdJag, jwtBearerGrant, type Grant } from '../../oauth/grant.ts';
import { lacksTokenEndpoint } from '../../oauth/machine-grants.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import { identifyClient, type PreregisteredClient } from '../../oauth/registration.ts';
import type { EnterpriseManagedConfig, MachineAuthConfig } from '../server-config.ts';
import { proofOf, readClient } from './client-config.ts';
import { readSecret } from './secret-source.ts';

/** Obtains a grant without a person. Takes the place of the browser in an {@link OAuthStrategy}. */
export type MachineGrant = (request: {
  readonly discovery: Discovery;
  readonly scopes: readonly string[] | undefined;
  readonly profile: IssuerProfile;
  /** The operator allows endpoints in a private network. */
  readonly privateNetwork?: boolean | undefined;
  readonly http: OAuthHttp;
  /** Who a client that was registered by hand is there. */
  readonly identify: (client: PreregisteredClient) => Promise<ClientIdentity>;
}) => Promise<Grant>;

/** The grant a configuration asks for. What may have been rotated is read anew for each. */
export function machineGrantOf(config: MachineAuthConfig): MachineGrant {
  return async ({ discovery, scopes, profile, privateNetwork, http, identify }) => {
    const client = await identify(await readClient(config.client));
    const options = { discovery, client, scopes, profile, privateNetwork, ...proofOf(config.client) };
    switch (config.type) {
      case 'client_credentials':
        return clientCredentialsGrant(options, http);
      case 'jwt_bearer': {
        const assertion = await readSecret(config.assertion, 'the assertion of a workload');
        return jwtBearerGrant({ ...options, assertion }, http);
      }
      case 'enterprise_managed': {
        const assertion = await askEmployer(config.identityProvider, { discovery, scopes, http });
        return jwtBearerGrant({ ...options, assertion }, http);
      }
    }
  };
}

/** What an employer's identity provider says of its user, to the MCP server's authorization server. */
async function askEmployer(
  provider: EnterpriseManagedConfig['identityProvider'],
  { discovery, scopes, http }: Pick<Parameters<MachineGrant>[0], 'discovery' | 'scopes' | 'http'>,
): Promise<string> {
  const { issuer, subjectToken, subjectTokenType, tokenEndpoint, ...given } = provider;
  const known = await readClient(given);
  // Where the operator has written everything down, nobody is asked.
  const server =
    tokenEndpoint === undefined
      ? await discoverAuthorizationServer(issuer, http)
      : { issuer, token_endpoint: tokenEndpoint };
  const options = { discovery: { issuer, server }, metadata: { clientName: 'MCP client' } };
  return exchangeForIdJag(
    {
      client: await identifyClient({ ...options, preregistered: known }, http),
      tokenEndpoint: server.token_endpoint ?? lacksTokenEndpoint(issuer),
      subjectToken: await readSecret(subjectToken, 'the token of an employee'),
      subjectTokenType,
      audience: discovery.issuer,
      resource: discovery.resource,
      scopes,
      ...proofOf(given),
    },
    http,
  );
}

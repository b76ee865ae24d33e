import type { ClientIdentity } from '../../oauth/client-identity.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { clientCredentialsGrant, exchangeForIdJag, jwtBearerGrant, type Grant } from '../../oauth/grant.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import type { PreregisteredClient } from '../../oauth/registration.ts';
import type { MachineAuthConfig } from '../server-config.ts';

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

/** The grant a configuration asks for. */
export function machineGrantOf(config: MachineAuthConfig): MachineGrant {
  return async ({ discovery, scopes, profile, privateNetwork, http, identify }) => {
    const client = await identify(config.client);
    const options = { discovery, client, scopes, profile, privateNetwork };
    switch (config.type) {
      case 'client_credentials':
        return clientCredentialsGrant(options, http);
      case 'jwt_bearer':
        return jwtBearerGrant({ ...options, assertion: await config.assertion() }, http);
      case 'enterprise_managed': {
        const { identityProvider } = config;
        const assertion = await exchangeForIdJag(
          {
            client: {
              issuer: identityProvider.issuer,
              clientId: identityProvider.clientId,
              clientSecret: identityProvider.clientSecret,
              tokenEndpointAuthMethod:
                identityProvider.clientSecret === undefined ? 'none' : 'client_secret_basic',
              source: 'preregistered',
              redirectUris: [],
            },
            tokenEndpoint: identityProvider.tokenEndpoint,
            subjectToken: await identityProvider.subjectToken(),
            audience: discovery.issuer,
            resource: discovery.resource,
            scopes,
          },
          http,
        );
        return jwtBearerGrant({ ...options, assertion }, http);
      }
    }
  };
}

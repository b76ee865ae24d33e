import {
  allowPrivateNetwork,
  createOAuthHttp,
  type ClientIdentity,
  type Discovery,
} from '../../src/oauth/index.ts';
import {
  deviceCode,
  oauthRedirect,
  secretForm,
  type Flow,
  type FormValues,
  type OAuthCredential,
} from '../../src/oob/index.ts';

/** The ways to log in to the service of the login tool's tests. */
export type LoginWay = 'redirect' | 'device' | 'form';

/** A way to log in at a programmable authorization server, or with a key. */
export function loginFlow(way: LoginWay, issuer: string): Flow<OAuthCredential | FormValues> {
  const http = createOAuthHttp({ [allowPrivateNetwork]: true, timeoutMs: 3_000 });
  const scopes = ['openid'];
  switch (way) {
    case 'redirect':
      return oauthRedirect({
        http,
        authorize: ({ redirectUri }) => ({ ...clientAt(issuer, redirectUri), scopes }),
      });
    case 'device':
      return deviceCode({ http, authorize: () => ({ ...clientAt(issuer), scopes }) });
    case 'form':
      return secretForm({
        type: 'object',
        properties: { key: { type: 'string', title: 'API key', writeOnly: true } },
        required: ['key'],
      });
  }
}

function clientAt(
  issuer: string,
  ...redirectUris: string[]
): { readonly discovery: Discovery; readonly client: ClientIdentity } {
  return {
    discovery: {
      issuer,
      resource: `${issuer}/mcp`,
      legacyEndpoints: false,
      dpopRequired: false,
      server: {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/revoke`,
        device_authorization_endpoint: `${issuer}/device`,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['ES256'],
      },
    },
    client: {
      issuer,
      clientId: 'postern-test',
      tokenEndpointAuthMethod: 'none',
      source: 'preregistered',
      redirectUris,
    },
  };
}

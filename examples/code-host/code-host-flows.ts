import { createOAuthHttp } from '../../src/oauth/index.ts';
import {
  deviceCode,
  secretForm,
  type Flow,
  type FormValues,
  type OAuthCredential,
} from '../../src/oob/index.ts';
import { CodeHostError, type CodeHostApi } from './code-host-api.ts';

/** A code that the person enters at the code host. */
export function deviceFlow(origin: string): Flow<OAuthCredential> {
  const http = createOAuthHttp({ trustedBy: origin });
  return deviceCode({
    http,
    // The service publishes no metadata: its endpoints are written down.
    authorize: ({ resource }) => ({
      discovery: {
        issuer: origin,
        resource,
        server: {
          issuer: origin,
          token_endpoint: `${origin}/login/oauth/access_token`,
          device_authorization_endpoint: `${origin}/login/device/code`,
        },
      },
      client: {
        issuer: origin,
        clientId: 'postern-example',
        tokenEndpointAuthMethod: 'none',
        source: 'preregistered',
        redirectUris: [],
      },
      scopes: ['repo'],
      profile: { omitResource: true, grantedScopeSeparator: ',' },
    }),
  });
}

/** A token that the person has made at the code host, and pastes into a page of ours. It is tried before it is kept. */
export function tokenFlow(api: CodeHostApi): Flow<FormValues> {
  return secretForm(
    {
      type: 'object',
      properties: {
        token: {
          type: 'string',
          title: 'Personal access token',
          writeOnly: true,
          minLength: 20,
          maxLength: 255,
        },
      },
      required: ['token'],
    },
    {
      title: 'Paste a token',
      message: (resource) => `Paste a personal access token for ${resource}`,
      test: async ({ token }, { signal }) => {
        try {
          await api.whoami(token, signal);
          return 'accepted';
        } catch (error) {
          if (error instanceof CodeHostError && error.refusal.reason === 'token-refused') return 'rejected';
          throw error;
        }
      },
    },
  );
}

import type { NamespaceProvider } from '../../src/namespace/namespace-provider.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import type { DeviceAuthorizationOptions } from '../../src/oauth/device.ts';

/** The token of a caller is the name of their user. */
export const namespaces: NamespaceProvider = {
  resolve: ({ token = '' }) => Promise.resolve(createNamespace('user', token)),
};

/** Where device codes come from, as a client it knows already. */
export function devicePlan(issuer: string): DeviceAuthorizationOptions {
  return {
    discovery: {
      issuer,
      resource: `${issuer}/mcp`,
      server: {
        issuer,
        token_endpoint: `${issuer}/token`,
        device_authorization_endpoint: `${issuer}/device`,
      },
    },
    client: {
      issuer,
      clientId: 'postern-test',
      tokenEndpointAuthMethod: 'none',
      source: 'preregistered',
      redirectUris: [],
    },
  };
}

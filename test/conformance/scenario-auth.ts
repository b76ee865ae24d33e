import type { AuthConfig } from '../../src/client/index.ts';
import { privateKeyFromPem } from '../../src/oauth/index.ts';
import { required, type ScenarioContext, type ScenarioRun } from './scenario-context.ts';

/** The scenarios whose client is known beforehand, and how it is configured. Every other one is plain OAuth. */
const configured: Readonly<Record<string, (context: ScenarioContext) => AuthConfig | Promise<AuthConfig>>> = {
  'auth/pre-registration': (context) => ({
    type: 'oauth',
    client: {
      clientId: required(context, 'client_id'),
      clientSecret: required(context, 'client_secret'),
      issuer: required(context, 'issuer'),
    },
  }),

  'auth/client-credentials-basic': (context) => ({
    type: 'client_credentials',
    client: { clientId: required(context, 'client_id'), clientSecret: required(context, 'client_secret') },
  }),

  'auth/client-credentials-jwt': async (context) => ({
    type: 'client_credentials',
    client: {
      clientId: required(context, 'client_id'),
      privateKeyJwk: await privateKeyFromPem(
        required(context, 'private_key_pem'),
        required(context, 'signing_algorithm'),
      ),
    },
  }),

  'auth/wif-jwt-bearer': (context) => ({
    type: 'jwt_bearer',
    client: { clientId: required(context, 'client_id') },
    assertion: () => required(context, 'valid_jwt'),
  }),

  'auth/enterprise-managed-authorization': (context) => ({
    type: 'enterprise_managed',
    client: { clientId: required(context, 'client_id'), clientSecret: required(context, 'client_secret') },
    identityProvider: {
      issuer: required(context, 'idp_issuer'),
      tokenEndpoint: required(context, 'idp_token_endpoint'),
      clientId: required(context, 'idp_client_id'),
      subjectToken: () => required(context, 'idp_id_token'),
    },
  }),
};

/** How the client of a scenario is configured; nothing, where it finds out by itself. */
export async function authOf({ scenario, context }: ScenarioRun): Promise<AuthConfig | undefined> {
  return configured[scenario]?.(context);
}

import {
  createOAuthHttp,
  discoverAuthorizationServer,
  identifyClient,
  type ClientIdentity,
  type Discovery,
} from '../../src/oauth/index.ts';
import { oauthRedirect, secretForm, type Flow, type OAuthCredential } from '../../src/oob/index.ts';
import type { Services } from './stand-ins.ts';

/** Consent at an ordinary OAuth provider, which publishes its metadata and registers clients. */
export function calendarFlow({ issuer, calendarUrl }: Services): Flow<OAuthCredential> {
  const http = createOAuthHttp({ trustedBy: issuer });
  /** Once for each address that browsers come back to. */
  const known = new Map<string, Promise<{ discovery: Discovery; client: ClientIdentity }>>();
  const introduce = async (redirectUri: string) => {
    const server = await discoverAuthorizationServer(issuer, http);
    const discovery = { issuer, server, resource: calendarUrl, legacyEndpoints: false, dpopRequired: false };
    const metadata = { clientName: 'The login example' };
    return { discovery, client: await identifyClient({ discovery, redirectUri, metadata }, http) };
  };
  return oauthRedirect({
    http,
    authorize: async ({ redirectUri }) => {
      const introduced = known.get(redirectUri) ?? introduce(redirectUri);
      known.set(redirectUri, introduced);
      // One that failed is not remembered.
      introduced.catch(() => known.delete(redirectUri));
      return { ...(await introduced), scopes: ['openid', 'offline_access', 'calendar:read'] };
    },
  });
}

/** A key that the person has from the service's website, and pastes into a page of ours. It is tried before it is kept. */
export function weatherFlow({ weatherUrl }: Services): Flow<{ key: string }> {
  return secretForm(
    {
      type: 'object',
      properties: { key: { type: 'string', title: 'API key', writeOnly: true, format: 'header' } },
      required: ['key'],
    },
    {
      title: 'Paste your key',
      test: async ({ key }, { signal }) => {
        const { ok } = await fetch(weatherUrl, { headers: { 'x-api-key': key }, signal });
        return ok ? 'accepted' : 'rejected';
      },
    },
  );
}

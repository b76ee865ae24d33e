import { describe, expect, test } from 'vitest';
import { asClientOf, type CertifiedInit } from '../http/certificates.ts';
import { createAttempt } from './attempt.ts';
import type { ClientIdentity } from './client-identity.ts';
import { startDeviceAuthorization } from './device.ts';
import { clientCredentialsGrant } from './machine-grants.ts';
import { createOAuthHttp, type OAuthHttp } from './oauth-http.ts';
import { identifyClient } from './registration.ts';
import { readAuthorizationServer } from './server-metadata.ts';

const issuer = 'https://as.example';
const resource = 'https://mcp.example';
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  device_authorization_endpoint: `${issuer}/device`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  require_pushed_authorization_requests: true,
  code_challenge_methods_supported: ['S256'],
  mtls_endpoint_aliases: {
    authorization_endpoint: 'https://mtls.example/authorize',
    token_endpoint: 'https://mtls.example/token',
    device_authorization_endpoint: 'https://mtls.example/device',
    pushed_authorization_request_endpoint: 'https://mtls.example/par',
  },
};

/** Answers everything with an error, and keeps what it was asked for, and as whose client. */
function recording(certified: boolean): { http: OAuthHttp; sent: [string, string | undefined][] } {
  const sent: [string, string | undefined][] = [];
  const http = createOAuthHttp({
    fetch: async (url, init: CertifiedInit) => {
      sent.push([url, init[asClientOf]]);
      return Response.json({ error: 'invalid_request' }, { status: 400 });
    },
    hasCertificateFor: (one) => certified && one === issuer,
  });
  return { http, sent };
}

async function askEverything(
  http: OAuthHttp,
  document: Record<string, unknown> = metadata,
): Promise<ClientIdentity> {
  const server = readAuthorizationServer(document, new URL(issuer), http);
  const discovery = { issuer, server, resource, dpopRequired: false, legacyEndpoints: false };
  const client = await identifyClient(
    { discovery, metadata: { clientName: 'A' }, preregistered: { clientId: 'a' } },
    http,
  );
  const options = { discovery, client };
  await createAttempt({ ...options, redirectUri: 'https://bot.example/callback' }, http).catch(() => {});
  await startDeviceAuthorization(options, http).catch(() => {});
  await clientCredentialsGrant(options, http).catch(() => {});
  return client;
}

describe('the requests of a client', () => {
  test('go with its certificate to where that is asked for, all of them', async () => {
    const { http, sent } = recording(true);
    expect(await askEverything(http)).toMatchObject({ mutualTls: 'shown' });
    expect(sent).toEqual(['par', 'device', 'token'].map((path) => [`https://mtls.example/${path}`, issuer]));
  });

  test('go with it to the usual places of an issuer that has no others', async () => {
    const { http, sent } = recording(true);
    await askEverything(http, { ...metadata, mtls_endpoint_aliases: { token_endpoint: 7 } });
    expect(sent).toEqual(['par', 'device', 'token'].map((path) => [`${issuer}/${path}`, issuer]));
  });

  test('that has none go to the usual places, and as nobody’s', async () => {
    const { http, sent } = recording(false);
    expect(await askEverything(http)).not.toHaveProperty('mutualTls');
    expect(sent).toEqual(['par', 'device', 'token'].map((path) => [`${issuer}/${path}`, undefined]));
  });

  test('never go where they may not, whatever an alias says', async () => {
    const { http, sent } = recording(true);
    const aliases = { token_endpoint: 'https://169.254.169.254/token' };
    await askEverything(http, { ...metadata, mtls_endpoint_aliases: aliases });
    expect(sent.map(([url]) => url)).toEqual([`${issuer}/par`, `${issuer}/device`]);
  });
});

import { expect, test } from 'vitest';
import type { ExamineOptions } from '../../src/doctor/index.ts';
import type { ClientIdentity } from '../../src/oauth/client-identity.ts';
import type { Grant } from '../../src/oauth/grant-record.ts';
import { providers } from '../../src/oauth/profiles/providers.ts';
import { sendBack, type FakeProvider } from '../providers/fake-provider.ts';
import { fakes } from '../providers/fakes.ts';
import { findingOf, idsOf, openPatient, type PatientOptions } from './patient.ts';

/** What is found at each provider by somebody who has nothing there, beside that it is recognised. */
const found: Readonly<Record<string, readonly string[]>> = {
  GitHub: ['registration.closed', 'client.secret-required', 'token-errors.status-200', 'revocation.absent'],
  Google: [
    'registration.closed',
    'challenge.late',
    'issuer.slash',
    'issuer.openid-only',
    'issuer.other-hosts',
  ],
  'Microsoft Entra ID': [
    'registration.closed',
    'issuer.stated-otherwise',
    'pkce.known-unadvertised',
    'resource.shaped',
  ],
  Slack: ['registration.closed', 'redirect-uri.misfit', 'issuer.other-hosts', 'issuer.stated-otherwise'],
  Asana: ['registration.closed', 'client.secret-required'],
  Sentry: ['resource-metadata.absent', 'challenge.metadata-unnamed'],
  Stripe: [],
  Cloudflare: [],
  Auth0: ['resource.shaped'],
  Okta: ['registration.closed', 'registration.advertised-but-closed'],
  Keycloak: [],
  Bluesky: ['registration.closed'],
  Figma: ['registration.rejected', 'issuer.other-hosts'],
  Supabase: ['revocation.absent'],
  Salesforce: ['registration.closed', 'pkce.known-unadvertised', 'issuer.stated-otherwise'],
  'monday.com': [],
  Holded: ['revocation.absent'],
  Meta: ['revocation.absent'],
  Plane: [],
};

test('every provider that is known has a row', () => {
  expect(Object.keys(found)).toEqual(Object.keys(fakes));
});

test.each(Object.entries(found))(
  '%s is recognised, and how it differs is found without anybody’s credentials',
  async (name, ids) => {
    const fake = (fakes[name] as () => FakeProvider)();
    const { as, examine } = await openPatient(fake);
    const report = await examine();
    expect(idsOf(report)).toEqual(expect.arrayContaining([...ids, 'issuer.recognised']));
    const { met } = providers.find((each) => each.name.split(' and ').includes(name)) ?? {};
    expect(findingOf(report, 'issuer.recognised').what).toContain(met?.[0]);
    expect(as.tokens.families).toEqual([]);
  },
);

test('what is said to whoever has to register by hand is what is known of the provider', async () => {
  const { examine } = await openPatient((fakes['Okta'] as () => FakeProvider)());
  const { fix } = findingOf(await examine(), 'registration.closed');
  expect(fix).toContain('API token');
  expect(fix).toContain('http://127.0.0.1:53123/callback');
});

const stored: ClientIdentity = {
  issuer: 'https://login.example',
  clientId: 'client-1',
  tokenEndpointAuthMethod: 'none',
  source: 'dynamic',
  redirectUris: ['http://127.0.0.1:40123/callback'],
};

const grant: Grant = {
  issuer: 'https://login.example',
  tokenEndpoint: 'https://login.example/token',
  client: stored,
  resource: 'https://mcp.example/mcp',
  accessToken: 'CNRYzsecretz-access',
  tokenType: 'bearer',
  obtainedAtMs: 0,
};

const byHand = { clientId: 'by-hand' };

/** The same by providers that nobody has a profile for, and what only shows with a client. */
const quirks: readonly (readonly [
  fact: string,
  source: string,
  id: string,
  patient: PatientOptions,
  options?: ExamineOptions,
])[] = [
  [
    'token errors with status 200, under names of its own',
    'typescript-sdk#1342',
    'token-errors.status-200',
    { replies: { refresh: () => ({ body: { error: 'bad_refresh_token' } }) } },
  ],
  [
    'a form-encoded reply of the token endpoint',
    'vercel/ai#10899',
    'token-errors.not-json',
    {
      replies: {
        refresh: () => ({
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'error=invalid_grant',
        }),
      },
    },
  ],
  [
    'a secret that is required in spite of PKCE',
    'typescript-sdk#1342',
    'client.secret-required',
    {
      as: {
        metadata: {
          registration_endpoint: undefined,
          token_endpoint_auth_methods_supported: ['client_secret_post'],
        },
      },
    },
  ],
  [
    'offline_access that is listed and refused',
    'mcp-remote PR 258',
    'scopes.offline-access-refused',
    {
      as: {
        metadata: { scopes_supported: ['read', 'offline_access'] },
        resourceMetadata: { scopes_supported: ['read'] },
      },
      replies: {
        authorize: (call) =>
          call.url.searchParams.get('scope')?.includes('offline_access') === true
            ? sendBack(call, 'invalid_scope', undefined, 'https://login.example')
            : undefined,
      },
    },
    { client: byHand },
  ],
  [
    'a scope that the server names and the issuer refuses',
    'csharp-sdk#741',
    'scopes.refused',
    {
      as: { resourceMetadata: { scopes_supported: ['nonsense'] } },
      replies: {
        authorize: (call) =>
          call.url.searchParams.has('scope')
            ? sendBack(call, 'invalid_scope', undefined, 'https://login.example')
            : undefined,
      },
    },
    { client: byHand },
  ],
  [
    'a resource that is refused (AADSTS9010010, invalid_target)',
    'claude-code#73460, l10178/idaas-book PR 243',
    'resource.refused',
    {
      replies: {
        authorize: (call) =>
          call.url.searchParams.has('resource')
            ? sendBack(call, 'invalid_target', 'AADSTS9010010', 'https://login.example')
            : undefined,
      },
    },
    { client: byHand },
  ],
  [
    'an administrator who has to consent (AADSTS90094)',
    'claude-ai-mcp#104',
    'organisation.refuses',
    {
      replies: {
        authorize: (call) => sendBack(call, 'access_denied', 'AADSTS90094: …', 'https://login.example'),
      },
    },
    { client: byHand },
  ],
  [
    'a redirect URI other than the client’s own',
    'claude-code#58091',
    'redirect-uri.misfit',
    {},
    { client: { ...byHand, redirectUris: ['http://localhost:3118/callback'] } },
  ],
  [
    'a redirect URI that registration refuses, as it is on no list',
    'obot-platform/obot#4278',
    'registration.redirect-uri-refused',
    { replies: { register: () => ({ status: 400, body: { error: 'invalid_redirect_uri' } }) } },
    { register: true },
  ],
  [
    'a registration that is refused with plain text',
    'copilot-cli#4906, opensearch-mcp-server-py PR 227',
    'registration.rejected',
    { replies: { register: () => ({ status: 403, body: 'Forbidden' }) } },
    { register: true },
  ],
  [
    'a registration that wants a token',
    'modelcontextprotocol#695',
    'registration.wants-token',
    { replies: { register: () => ({ status: 401, body: { errorCode: 'E0000011' } }) } },
  ],
  [
    'a registration that changes the redirect URIs',
    'RFC 7591 §3.2.1',
    'registration.other-redirect-uris',
    {
      replies: {
        register: () => ({
          status: 201,
          body: { client_id: 'c', redirect_uris: ['https://elsewhere.example/'] },
        }),
      },
    },
    { register: true },
  ],
  [
    'a redirect URI that is registered and then refused',
    'plane-mcp-server#220',
    'redirect-uri.registered-then-refused',
    { replies: { authorize: () => ({ status: 400, body: 'invalid redirect uri' }) } },
    { register: true },
  ],
  [
    'an authorization endpoint that answers 500',
    'dodopayments-typescript PR 291',
    'authorize.failing',
    { replies: { authorize: () => ({ status: 500 }) } },
    { client: byHand },
  ],
  [
    'a forgotten client that is answered 422 in JSON',
    'supabase/mcp#355',
    'client.forgotten',
    { replies: { authorize: () => ({ status: 422, body: { message: 'Unrecognized client_id' } }) } },
    { earlier: { client: stored } },
  ],
  [
    'PKCE that is not advertised',
    'forcedotcom/mcp-hosted#47',
    'pkce.unadvertised',
    { as: { metadata: { code_challenge_methods_supported: undefined } } },
  ],
  [
    'an answer that names another issuer',
    'mondaycom/mcp#453',
    'iss.wrong',
    {
      replies: {
        authorize: (call) => sendBack(call, 'login_required', undefined, 'https://login.example/other'),
      },
    },
    { client: byHand },
  ],
  [
    'an answer without the issuer that the metadata promises',
    'RFC 9207 §2.4',
    'iss.missing',
    { replies: { authorize: (call) => sendBack(call, 'login_required') } },
    { client: byHand },
  ],
  [
    'a sign-in that brought no refresh token',
    'goose#11235, claude-code#86430, slack-skills-plugin#2',
    'refresh.none-came',
    {},
    { earlier: { grant } },
  ],
  [
    'no refresh tokens at all',
    'slack-skills-plugin#2',
    'refresh.not-offered',
    { as: { metadata: { grant_types_supported: ['authorization_code'] } } },
  ],
  [
    'a token that is refused although it has not ended',
    'claude-code#73460',
    'sign-in.refused',
    {},
    { earlier: { grant } },
  ],
  [
    'endpoints at other hosts than the issuer’s',
    'CommandCodeAI/command-code#610, stripe/ai#288',
    'issuer.other-hosts',
    { as: { endpoints: { token: 'https://api.login.example/token' } } },
  ],
  [
    'metadata at the OpenID place only',
    'typescript-sdk#616',
    'issuer.openid-only',
    { as: { metadataAt: ['https://login.example/.well-known/openid-configuration'] } },
  ],
  [
    'metadata of neither kind',
    'LibreChat PR 12164',
    'issuer.guessed',
    {
      replies: {
        'resource-metadata': () => ({ status: 404 }),
        metadata: () => ({ status: 404 }),
        resource: () => ({ status: 401, headers: { 'www-authenticate': 'Bearer' } }),
      },
    },
  ],
];

const rows = quirks.map(([fact, source, id, patient, options]) => ({ fact, source, id, patient, options }));

test.each(rows)('$fact is named ($source)', async ({ id, patient, options }) => {
  const { examine } = await openPatient(patient);
  expect(idsOf(await examine(options))).toContain(id);
});

test('none of that is found at a server that does as the specifications have it', async () => {
  const { as, examine } = await openPatient({
    as: {
      metadata: { client_id_metadata_document_supported: true },
      resourceMetadata: { scopes_supported: ['read'] },
    },
  });
  as.on('authorize', (call) =>
    call.url.searchParams.get('redirect_uri')?.startsWith('http://127.0.0.1:') === true
      ? { status: 302, headers: { location: 'https://login.example/login' } }
      : { status: 400, body: 'this redirect URI is not registered' },
  );
  for (const options of [{}, { client: byHand }]) {
    const report = await examine(options);
    expect(idsOf(report)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'ok', reached: true });
  }
});

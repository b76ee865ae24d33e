import { expect, test } from 'vitest';
import type { ClientIdentity } from '../../src/oauth/client-identity.ts';
import { sendBack } from '../providers/fake-provider.ts';
import { limitToRegistered } from '../field/registry.ts';
import { findingOf, idsOf, openPatient } from './patient.ts';

const redirectUri = 'http://127.0.0.1:40123/callback';

const registeredBefore: ClientIdentity = {
  issuer: 'https://login.example',
  clientId: 'client-1',
  tokenEndpointAuthMethod: 'none',
  source: 'dynamic',
  redirectUris: [redirectUri],
};

// R1: cloudflare/workers-oauth-provider#201, openai/codex#29630, maximhq/bifrost#7191.
test.each([
  ['answers with a page', () => ({ status: 400, body: 'Unknown client' })],
  ['redirects with unauthorized_client', undefined],
])(
  'R1: a registration that the issuer has forgotten and %s is found by the client that is stored',
  async (_how, page) => {
    const { as, examine } = await openPatient();
    as.on('authorize', (call) => page?.() ?? sendBack(call, 'unauthorized_client', undefined, as.issuer));
    const report = await examine({ earlier: { client: registeredBefore } });
    expect(findingOf(report, 'client.forgotten')).toMatchObject({ severity: 'problem', fixedBy: 'issuer' });
    expect(as.calls.find(({ kind }) => kind === 'authorize')?.url.searchParams.get('redirect_uri')).toBe(
      redirectUri,
    );
    expect(as.count('register')).toBe(0);
  },
);

// R2: supabase/auth#2829.
test('R2: a refresh that is refused by an error of the issuer’s own is found before anybody has a refresh token', async () => {
  const { examine } = await openPatient({
    replies: {
      refresh: () => ({ status: 400, body: { code: 400, error_code: 'refresh_token_not_found', msg: '…' } }),
    },
  });
  expect(findingOf(await examine(), 'token-errors.unregistered')).toMatchObject({
    fixedBy: 'issuer',
    specification: { name: 'RFC 6749', section: '5.2' },
    configure: { auth: { profile: { errorAliases: { refresh_token_not_found: 'invalid_grant' } } } },
  });
});

// R3: modelcontextprotocol/python-sdk#2301, modelcontextprotocol/go-sdk#1102.
test('R3: scopes of a registration that are taken as a limit are found by a registration of our own', async () => {
  const { as, examine } = await openPatient({
    as: {
      resourceMetadata: { scopes_supported: ['read'] },
      metadata: { scopes_supported: ['read', 'write'] },
    },
  });
  limitToRegistered(as);
  expect(idsOf(await examine())).not.toContain('scopes.registration-limits');
  expect(idsOf(await examine({ register: true }))).toContain('scopes.registration-limits');
});

// R4: archestra#7311.
test('R4: a registration that is refused because of a scope in it is told from one that is refused', async () => {
  const { as, examine } = await openPatient({
    as: { resourceMetadata: { scopes_supported: ['read', 'admin'] } },
  });
  as.on('register', (call) =>
    call.text.includes('admin') ? { status: 400, body: { error: 'invalid_client_metadata' } } : undefined,
  );
  const ids = idsOf(await examine({ register: true }));
  expect(ids).toContain('registration.scope-refused');
  expect(ids).not.toContain('registration.rejected');
});

// R5: workers-oauth-provider#156, openstatus#2653.
test('R5: a client metadata document that the issuer cannot fetch is found, and how to go on without it', async () => {
  const { examine } = await openPatient({
    as: { metadata: { client_id_metadata_document_supported: true } },
    replies: {
      authorize: () => ({
        status: 400,
        body: { error: 'invalid_client', error_description: 'metadata document responded with HTTP 403' },
      }),
    },
  });
  const clientMetadataUrl = 'https://bot.corp.example/client.json';
  expect(findingOf(await examine({ clientMetadataUrl }), 'client-document.not-read')).toMatchObject({
    fixedBy: 'organisation',
    configure: { auth: { clientMetadataIsPrivate: true } },
  });
});

// R6: mcp-use#2258.
test('R6: a registration endpoint that is not there is found, and its repair at the next examination', async () => {
  const { as, examine } = await openPatient();
  as.on('register', () => ({ status: 404 }));
  expect(idsOf(await examine())).toContain('registration.endpoint-missing');
  as.on('register', undefined);
  expect(idsOf(await examine())).not.toContain('registration.endpoint-missing');
});

// R7: github/copilot-cli#4606, go-sdk#955.
test('R7: an issuer that differs by one slash is a note; one that differs by more is a problem, with both names', async () => {
  const slash = await openPatient({
    as: { resourceMetadata: { authorization_servers: ['https://login.example/'] } },
  });
  expect(findingOf(await slash.examine(), 'issuer.slash')).toMatchObject({
    severity: 'note',
    fixedBy: 'server',
  });
  const other = await openPatient({ as: { metadata: { issuer: 'https://other.example' } } });
  const finding = findingOf(await other.examine(), 'issuer.mismatch');
  expect(finding).toMatchObject({
    severity: 'problem',
    fixedBy: 'issuer',
    specification: { name: 'RFC 8414', section: '3.3' },
    configure: { auth: { allowIssuerMismatch: ['https://login.example'] } },
  });
  expect(finding.what).toContain('"https://other.example", not "https://login.example"');
});

test('what comes after an issuer that differs is looked into all the same', async () => {
  const { examine } = await openPatient({
    as: { metadata: { issuer: 'https://other.example', code_challenge_methods_supported: undefined } },
  });
  expect(idsOf(await examine())).toContain('pkce.unadvertised');
});

// R8: qwen-code#5343.
test.each([
  ['single-quoted', "Bearer resource_metadata='/.well-known/oauth-protected-resource/mcp'"],
  ['unquoted', 'Bearer resource_metadata=/.well-known/oauth-protected-resource/mcp'],
  ['relative', 'Bearer resource_metadata="/.well-known/oauth-protected-resource/mcp"'],
  ['empty', 'Bearer resource_metadata=""'],
])(
  'R8: a resource_metadata that is %s is found, and the well-known places are looked at',
  async (_how, challenge) => {
    const { examine } = await openPatient({
      replies: { resource: () => ({ status: 401, headers: { 'www-authenticate': challenge } }) },
    });
    const report = await examine();
    expect(findingOf(report, 'challenge.metadata-unreadable')).toMatchObject({ fixedBy: 'server' });
    expect(report.checks.find(({ check }) => check === 'issuer')?.verdict).not.toBe('skipped');
  },
);

// R9: anthropics/claude-ai-mcp#104, opencode#46361.
test('R9: a consent that may not be asked for is told from a request that is refused, and what leaves it out', async () => {
  const { examine } = await openPatient({
    as: {
      metadata: { scopes_supported: ['openid', 'offline_access'], subject_types_supported: ['public'] },
      resourceMetadata: { scopes_supported: ['calendar'] },
      metadataAt: ['https://login.example/.well-known/openid-configuration'],
    },
    replies: {
      authorize: (call) =>
        call.url.searchParams.get('prompt') === 'consent'
          ? sendBack(call, 'access_denied', 'Approval required', 'https://login.example')
          : undefined,
    },
  });
  const client = { clientId: 'by-hand' };
  expect(findingOf(await examine({ client }), 'consent-prompt.refused')).toMatchObject({
    configure: { auth: { authorizeParams: { prompt: '' } } },
  });
});

// R10: claude-code#80298, MCPJungle#289.
test('R10: a credential in a header that is refused is said to be that, and nobody is told to register a client', async () => {
  const { examine } = await openPatient({
    replies: {
      resource: () => ({ status: 401 }),
      'resource-metadata': () => ({ status: 404 }),
      metadata: () => ({ status: 404 }),
    },
  });
  const report = await examine({ headers: { Authorization: 'Bearer tok-1-of-the-operator' } });
  expect(findingOf(report, 'credential.refused')).toMatchObject({ severity: 'problem', fixedBy: 'person' });
  expect(idsOf(report)).not.toContain('registration.closed');
  expect(JSON.stringify(report)).not.toContain('tok-1');
});

// R12: strands harness-sdk#1742, oh-my-pi#8808. R11, R13 and R14 are about programs, and not about a server at an address.
test('R12: the error by which a server of the newer revision asks for a link, which that has done away with, is found', async () => {
  const { examine } = await openPatient({
    replies: {
      resource: (call) => {
        if (call.method !== 'POST') return { status: 405 };
        const { id, method } = JSON.parse(call.text) as { id: number; method: string };
        const answer =
          method === 'server/discover'
            ? { result: { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' } }
            : { error: { code: -32_042, message: 'a link', data: { elicitations: [] } } };
        return { body: { jsonrpc: '2.0', id, ...answer } };
      },
    },
  });
  expect(idsOf(await examine())).toContain('elicitation.older-code');
});

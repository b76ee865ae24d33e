import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allChecks, type ExamineOptions } from '../../src/doctor/index.ts';
import type { Grant } from '../../src/oauth/grant-record.ts';
import { sendBack } from '../providers/fake-provider.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import type { Call } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { idsOf, openPatient, type PatientOptions } from './patient.ts';

const byHand = { client: { clientId: 'by-hand' } };

const grant: Grant = {
  issuer: 'https://login.example',
  tokenEndpoint: 'https://login.example/token',
  client: {
    issuer: 'https://login.example',
    clientId: 'client-1',
    tokenEndpointAuthMethod: 'none',
    source: 'dynamic',
    redirectUris: ['http://127.0.0.1:40123/callback'],
  },
  resource: 'https://mcp.example/mcp',
  accessToken: 'CNRYzsecretz-access',
  refreshToken: 'CNRYzsecretz-refresh',
  tokenType: 'bearer',
  obtainedAtMs: 0,
};

/** A server without a guard, which answers one method otherwise. */
function open(otherwise: Readonly<Record<string, (id: unknown) => Reply>>): (call: Call) => Reply {
  return (call) => {
    const { id, method = '' } = (call.method === 'POST' ? JSON.parse(call.text) : {}) as {
      id?: unknown;
      method?: string;
    };
    return (
      otherwise[method]?.(id) ??
      answerMcp(call, { name: 'open', tools: [{ name: 'whoami' }], call: () => 'ok' })
    );
  };
}

const answer =
  (body: object) =>
  (id: unknown): Reply => ({ body: { jsonrpc: '2.0', id, ...body } });

/** Lets whoever has a token do something else than others. */
const withToken = (reply: (call: Call) => Reply) => (call: Call) =>
  call.headers.authorization === undefined ? undefined : reply(call);

const clientMetadataUrl = 'https://bot.example/client.json';
const readsDocuments = { metadata: { client_id_metadata_document_supported: true } };
const document = {
  client_id: clientMetadataUrl,
  client_name: 'Bot',
  redirect_uris: ['http://127.0.0.1:53123/callback'],
};

const rows: readonly {
  readonly id: string;
  readonly fact: string;
  readonly patient: PatientOptions;
  readonly options?: ExamineOptions;
}[] = [
  {
    id: 'initialize.version-unknown',
    fact: 'a version that was never published',
    patient: { replies: { resource: open({ initialize: answer({ result: { protocolVersion: '1.0' } }) }) } },
  },
  {
    id: 'discover.no-versions',
    fact: 'a discovery without versions',
    patient: { replies: { resource: open({ 'server/discover': answer({ result: {} }) }) } },
  },
  {
    id: 'discover.no-common-version',
    fact: 'a server from the future',
    patient: {
      replies: {
        resource: open({ 'server/discover': answer({ result: { supportedVersions: ['2031-01-01'] } }) }),
      },
    },
  },
  {
    id: 'elicitation.asks-at-once',
    fact: 'a server that asks for something before it says what it can do',
    patient: {
      replies: { resource: open({ 'tools/list': answer({ error: { code: -32_042, message: 'first …' } }) }) },
    },
  },
  {
    id: 'resource-metadata.failing',
    fact: 'a place of the metadata that fails',
    patient: { replies: { 'resource-metadata': () => ({ status: 500 }) } },
  },
  {
    id: 'resource-metadata.url-forbidden',
    fact: 'metadata that is promised in a private network',
    patient: {
      replies: {
        resource: () => ({
          status: 401,
          headers: { 'www-authenticate': 'Bearer resource_metadata="https://192.168.0.1/prm"' },
        }),
      },
    },
  },
  {
    id: 'issuer.invalid',
    fact: 'an issuer without a token endpoint',
    patient: { as: { metadata: { token_endpoint: undefined } } },
  },
  {
    id: 'issuer.silent-about-itself',
    fact: 'an issuer that does not name itself',
    patient: { as: { metadata: { authorization_response_iss_parameter_supported: undefined } } },
  },
  {
    id: 'issuer.nobody-redirects',
    fact: 'an issuer without an authorization endpoint',
    patient: { as: { metadata: { authorization_endpoint: undefined } } },
  },
  {
    id: 'registration.endpoint-failing',
    fact: 'a registration that fails',
    patient: { replies: { register: () => ({ status: 503 }) } },
    options: { register: true },
  },
  {
    id: 'client-document.not-supported',
    fact: 'an issuer that reads no metadata documents',
    patient: {},
  },
  ...(
    [
      ['cannot be fetched', { status: 403 }],
      ['is a page', { body: '<h1>Log in' }],
      ['is of another address', { body: { ...document, client_id: 'https://bot.example/other.json' } }],
      ['lacks the redirect URI', { body: { ...document, redirect_uris: ['https://bot.example/callback'] } }],
      ['has no name', { body: { ...document, client_name: undefined } }],
    ] as const
  ).map(([how, reply]) => ({
    id: 'client-document.invalid',
    fact: `a client metadata document that ${how}`,
    patient: { as: readsDocuments, replies: { other: () => reply } },
    options: { clientMetadataUrl },
  })),
  {
    id: 'client.other-issuer',
    fact: 'a client of another issuer',
    patient: {},
    options: { client: { clientId: 'by-hand', issuer: 'https://elsewhere.example' } },
  },
  {
    id: 'client.unknown',
    fact: 'a configured client that is not known',
    patient: {
      replies: {
        authorize: (call) => sendBack(call, 'unauthorized_client', undefined, 'https://login.example'),
      },
    },
    options: byHand,
  },
  {
    id: 'pkce.plain-offered',
    fact: 'the method plain',
    patient: { as: { metadata: { code_challenge_methods_supported: ['S256', 'plain'] } } },
  },
  {
    id: 'redirect-uri.refused',
    fact: 'a configured client whose redirect URI is refused',
    patient: { replies: { authorize: () => ({ status: 400, body: 'no' }) } },
    options: byHand,
  },
  {
    id: 'redirect-uri.undecided',
    fact: 'a page that is the same for every redirect URI',
    patient: {
      replies: { authorize: () => ({ headers: { 'content-type': 'text/html' }, body: '<h1>Log in' }) },
    },
    options: byHand,
  },
  {
    id: 'redirect-uri.not-compared',
    fact: 'an issuer that sends browsers anywhere',
    patient: {},
    options: byHand,
  },
  {
    id: 'authorize.request-refused',
    fact: 'an error that nobody can tell apart',
    patient: {
      replies: { authorize: (call) => sendBack(call, 'server_error', undefined, 'https://login.example') },
    },
    options: byHand,
  },
  {
    id: 'scopes.unknown-to-issuer',
    fact: 'a scope that only the server knows',
    patient: {
      as: { resourceMetadata: { scopes_supported: ['read'] }, metadata: { scopes_supported: ['write'] } },
    },
  },
  {
    id: 'scopes.offline-access-unlisted',
    fact: 'an issuer that does not list offline_access',
    patient: { as: { metadata: { scopes_supported: ['read'] } } },
  },
  {
    id: 'token-endpoint.missing',
    fact: 'a token endpoint that is not there',
    patient: { replies: { refresh: () => ({ status: 404, body: 'not found' }) } },
  },
  {
    id: 'token-endpoint.failing',
    fact: 'a token endpoint that fails',
    patient: { replies: { refresh: () => ({ status: 500 }) } },
  },
  {
    id: 'token-endpoint.not-compared',
    fact: 'a token endpoint that gives tokens for anything',
    patient: {
      replies: { refresh: () => ({ body: { access_token: 'CNRYzsecretz-any', token_type: 'Bearer' } }) },
    },
  },
  {
    id: 'revocation.refuses-unknown',
    fact: 'a revocation that refuses a token that is not known',
    patient: { replies: { revoke: () => ({ status: 400, body: { error: 'unsupported_token_type' } }) } },
    options: byHand,
  },
  {
    id: 'revocation.failing',
    fact: 'a revocation that fails',
    patient: { replies: { revoke: () => ({ status: 500 }) } },
    options: byHand,
  },
  {
    id: 'sign-in.ended',
    fact: 'a token that has ended',
    patient: {},
    options: { earlier: { grant: { ...grant, expiresAtMs: 1_000 } } },
  },
  {
    id: 'resource.other-audience',
    fact: 'a token for another audience (csharp-sdk PR 1801)',
    patient: {},
    options: {
      earlier: { grant: { ...grant, accessToken: `e30.${btoa('{"aud":"0b8b1064"}')}.CNRYzsecretz` } },
    },
  },
  {
    id: 'sign-in.scopes-too-small',
    fact: 'a token whose scopes are too small',
    patient: {
      replies: {
        resource: withToken(() => ({
          status: 403,
          headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' },
        })),
      },
    },
    options: { earlier: { grant } },
  },
  {
    id: 'sign-in.other-issuer',
    fact: 'a sign-in at an issuer that the server has left',
    patient: {},
    options: { earlier: { grant: { ...grant, issuer: 'https://before.example' } } },
  },
  {
    id: 'sign-in.no-tools',
    fact: 'a list of tools that fails',
    patient: {
      replies: {
        resource: withToken(open({ 'tools/list': answer({ error: { code: -32_603, message: 'broken' } }) })),
      },
    },
    options: { headers: { authorization: 'Bearer CNRYzsecretz-key' } },
  },
  {
    id: 'clean-up.client-left',
    fact: 'a client that cannot be deleted',
    patient: {},
    options: { register: true },
  },
];

test.each(rows)('$fact is named', async ({ id, patient, options }) => {
  const { as, examine } = await openPatient(patient);
  const report = await examine(options);
  expect(idsOf(report)).toContain(id);
  expect(JSON.stringify(report)).not.toContain('CNRY');
  expect(as.calls.some(({ text }) => text.includes('CNRYzsecretz-refresh'))).toBe(false);
});

test('a client metadata document that is as it should be is used, and nothing is said against it', async () => {
  const { as, examine } = await openPatient({
    as: readsDocuments,
    replies: {
      other: () => ({ body: document }),
      authorize: () => ({ status: 302, headers: { location: '/login' } }),
    },
  });
  const report = await examine({ clientMetadataUrl });
  expect(idsOf(report)).not.toContain('client-document.invalid');
  expect(as.calls.find(({ kind }) => kind === 'authorize')?.url.searchParams.get('client_id')).toBe(
    clientMetadataUrl,
  );
});

test('every finding is met by a test', () => {
  const folder = new URL('./', import.meta.url);
  const tests = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const ids = allChecks.flatMap(({ findings }) => Object.keys(findings));
  expect(ids.filter((id) => !tests.some((text) => text.includes(`'${id}'`)))).toEqual([]);
});

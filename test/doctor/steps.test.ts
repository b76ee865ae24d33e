import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { examine, type ExamineOptions } from '../../src/doctor/index.ts';
import { generateDpopKey } from '../../src/oauth/dpop.ts';
import type { Grant } from '../../src/oauth/grant-record.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import type { Call } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { findingOf, idsOf, openPatient } from './patient.ts';

const address = 'https://mcp.example/mcp';

function failing(code: string): ExamineOptions['fetch'] {
  return async () => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('CNRYzsecretz'), { code }) });
  };
}

/** As the network hands on what a proxy answers in place of a tunnel. */
const wantsPassword = {
  status: 407,
  statusText: 'Proxy Authentication Required',
  headers: new Headers({ 'proxy-authenticate': 'Basic' }),
  body: null,
} as Response;

test.each([
  ['ENOTFOUND', 'network.name-unknown', 'network'],
  ['ECONNREFUSED', 'network.refused', 'server'],
  ['UND_ERR_CONNECT_TIMEOUT', 'network.silent', 'network'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'network.certificate', 'organisation'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'network.certificate', 'organisation'],
  ['CERT_HAS_EXPIRED', 'network.certificate-expired', 'server'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'network.certificate-name', 'server'],
  ['ENETUNREACH', 'network.no-way', 'network'],
  ['UND_ERR_ABORTED', 'network.proxy-refuses', 'organisation'],
  ['UND_ERR_SOCKET', 'network.broken', 'server'],
])('%s is %s, which is up to the %s', async (code, id, fixedBy) => {
  const report = await examine(address, { fetch: failing(code) });
  expect(findingOf(report, id)).toMatchObject({ severity: 'problem', fixedBy });
  expect(findingOf(report, id).what).toContain(code);
  expect(report.reached).toBe(false);
  expect(report.checks.filter(({ verdict }) => verdict === 'skipped').length).toBeGreaterThan(10);
});

test('an authorization server that cannot be reached is told from a server that cannot', async () => {
  const { as } = await openPatient();
  const report = await examine(address, {
    fetch: async (url, init) => {
      if (url.startsWith('https://login.example')) return failing('ENOTFOUND')!(url, init);
      return as.fetch(url, init);
    },
  });
  expect(findingOf(report, 'issuer.unreachable')).toMatchObject({ severity: 'problem', fixedBy: 'network' });
  expect(report.reached).toBe(true);
});

test('a proxy that requests go through is told of, without its password, and there is no handshake past it', async () => {
  const { examine: look } = await openPatient();
  const report = await look({
    proxyFor: () => 'http://user:CNRYzsecretz@proxy.corp.example:3128',
    probeTls: async () => Promise.reject(new Error('nobody is to be asked')),
  });
  expect(report.checks.find(({ check }) => check === 'network')?.facts).toEqual([
    'through the proxy at proxy.corp.example:3128',
  ]);
});

test('a proxy that refuses, or is not there, is told from a server that does', async () => {
  const proxyFor = (): string => 'http://proxy.corp.example:3128';
  const refused = await examine(address, { proxyFor, fetch: failing('ECONNREFUSED') });
  expect(findingOf(refused, 'network.proxy-unreachable')).toMatchObject({ fixedBy: 'person' });
  const { examine: look } = await openPatient();
  const report = await look({ proxyFor, fetch: async () => wantsPassword });
  expect(findingOf(report, 'network.proxy-refuses')).toMatchObject({ fixedBy: 'organisation' });
  expect(report.reached).toBe(false);
});

test('what the handshake by TLS says is told, and a certificate that soon runs out', async () => {
  const { examine: look } = await openPatient();
  const now = Date.parse('2026-03-01T00:00:00Z');
  const report = await look({
    clock: () => now,
    probeTls: async () => ({
      protocol: 'TLSv1.3',
      applicationProtocol: 'h2',
      validUntilMs: Date.parse('2026-03-05T00:00:00Z'),
    }),
  });
  expect(report.checks.find(({ check }) => check === 'network')?.facts[0]).toBe(
    'TLSv1.3, offers HTTP/2; certificate good until 2026-03-05',
  );
  expect(idsOf(report)).toContain('network.certificate-ends-soon');
});

const html = { 'content-type': 'text/html' };

const places: readonly (readonly [fact: string, id: string, reply: (call: Call) => Reply])[] = [
  [
    'a redirect',
    'endpoint.redirects',
    () => ({ status: 308, headers: { location: '/v2/mcp?key=CNRYzsecretz' } }),
  ],
  [
    'a web page',
    'endpoint.web-page',
    () => ({ headers: html, body: '<!doctype html><title>Welcome</title>' }),
  ],
  ['nothing', 'endpoint.not-found', () => ({ status: 404, headers: html, body: '<h1>Not found</h1>' })],
  [
    'the transport of 2024',
    'endpoint.legacy-sse',
    ({ method }) =>
      method === 'GET'
        ? {
            headers: { 'content-type': 'text/event-stream' },
            body: 'event: endpoint\ndata: /messages?session=1\n\n',
          }
        : { status: 405 },
  ],
  ['a limit', 'endpoint.rate-limited', () => ({ status: 429, headers: { 'retry-after': '30' } })],
  ['a failure', 'endpoint.failing', () => ({ status: 502 })],
  ['a firewall', 'endpoint.forbidden', () => ({ status: 403, headers: html, body: '<html>Blocked</html>' })],
  ['another API', 'endpoint.not-mcp', () => ({ body: { hello: 'world' } })],
];

test.each(places)('%s in place of an MCP server is named %s', async (_fact, id, reply) => {
  const { examine: look } = await openPatient({ replies: { resource: reply } });
  const report = await look();
  expect(findingOf(report, id).severity).toBe(id === 'endpoint.legacy-sse' ? 'note' : 'problem');
  expect(JSON.stringify(report)).not.toContain('CNRY');
});

test('where a redirect leads is what to configure', async () => {
  const { examine: look } = await openPatient({
    replies: { resource: () => ({ status: 301, headers: { location: 'https://www.mcp.example/mcp/' } }) },
  });
  expect(findingOf(await look(), 'endpoint.redirects').configure).toEqual({
    url: 'https://www.mcp.example/mcp/',
  });
});

const challenges: readonly (readonly [fact: string, id: string, reply: () => Reply])[] = [
  ['no challenge', 'challenge.missing', () => ({ status: 401 })],
  [
    'Basic alone',
    'challenge.other-scheme',
    () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
  ],
  [
    '403 in place of 401',
    'challenge.forbidden',
    () => ({ status: 403, headers: { 'www-authenticate': 'Bearer' } }),
  ],
  [
    'metadata at another host',
    'challenge.metadata-elsewhere',
    () => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer resource_metadata="https://other.example/prm"' },
    }),
  ],
];

test.each(challenges)('a refusal with %s is named %s', async (_fact, id, reply) => {
  const { examine: look } = await openPatient({ replies: { resource: reply } });
  expect(idsOf(await look())).toContain(id);
});

const open = (call: Call): Reply =>
  answerMcp(call, { name: 'open', tools: [{ name: 'whoami' }], call: () => 'ok' });

test('a server that asks nobody for credentials needs no authorization server, and nothing is found at it', async () => {
  const { as, examine: look } = await openPatient({
    replies: { resource: open, 'resource-metadata': () => ({ status: 404 }) },
  });
  const report = await look();
  expect(report.verdict).toBe('ok');
  expect(report.checks.find(({ check }) => check === 'initialize')?.facts).toContain(
    'speaks 2025-11-25, and calls itself "open"',
  );
  expect(as.count('metadata') + as.count('register') + as.count('refresh')).toBe(0);
});

test('a credential that the server accepts is said to be, and how many tools it opens', async () => {
  const { examine: look } = await openPatient({
    replies: {
      resource: (call) =>
        call.headers.authorization === 'Bearer CNRYzsecretz-key'
          ? open(call)
          : { status: 401, headers: { 'www-authenticate': 'Bearer' } },
    },
  });
  const report = await look({ headers: { authorization: 'Bearer CNRYzsecretz-key' } });
  expect(report.checks.find(({ check }) => check === 'sign-in')).toMatchObject({
    verdict: 'ok',
    facts: ['accepted: 1 tool in the first page'],
  });
});

test('an older version cannot send a person to a link, which is said', async () => {
  const { examine: look } = await openPatient({
    replies: {
      resource: (call) =>
        call.text.includes('"initialize"')
          ? {
              body: {
                jsonrpc: '2.0',
                id: 1,
                result: {
                  protocolVersion: '2025-03-26',
                  capabilities: {},
                  serverInfo: { name: 'old', version: '1' },
                },
              },
            }
          : open(call),
    },
  });
  expect(findingOf(await look(), 'elicitation.no-link').what).toContain(
    '2025-03-26, which cannot ask a person anything',
  );
});

test('a server that refuses a client for offering elicitation is told from one that cannot shake hands', async () => {
  const { examine: look } = await openPatient({
    replies: {
      resource: (call) =>
        call.method === 'POST' && call.text.includes('elicitation')
          ? { body: { jsonrpc: '2.0', id: 1, error: { code: -32_602, message: 'unknown capability' } } }
          : open(call),
    },
  });
  expect(idsOf(await look())).toContain('initialize.capability-refused');
});

test('a server that fails when it is asked for the newer revision is told from one that does not know it', async () => {
  const { examine: look } = await openPatient({
    replies: { resource: (call) => (call.text.includes('server/discover') ? { status: 500 } : open(call)) },
  });
  expect(findingOf(await look(), 'discover.breaks').configure).toEqual({ protocolVersion: '2025-11-25' });
});

const metadata: readonly (readonly [fact: string, id: string, body: Record<string, unknown>])[] = [
  ['about another resource', 'resource-metadata.other-resource', { resource: 'https://other.example/mcp' }],
  ['without "resource"', 'resource-metadata.invalid', { authorization_servers: [] }],
  ['without an authorization server', 'resource-metadata.no-issuer', { resource: address }],
  ['about the whole host', 'resource-metadata.broader', { resource: 'https://mcp.example' }],
  [
    'that leads into a private network',
    'issuer.private-network',
    { resource: address, authorization_servers: ['https://10.0.0.7'] },
  ],
  [
    'that leads to an address without TLS',
    'issuer.url-forbidden',
    { resource: address, authorization_servers: ['http://login.example'] },
  ],
  [
    'with several authorization servers',
    'issuer.several',
    { resource: address, authorization_servers: ['https://login.example', 'https://two.example'] },
  ],
  [
    'that asks for offline_access',
    'scopes.offline-access-in-resource',
    {
      resource: address,
      authorization_servers: ['https://login.example'],
      scopes_supported: ['read', 'offline_access'],
    },
  ],
];

test.each(metadata)('metadata %s is named %s', async (_fact, id, body) => {
  const { examine: look } = await openPatient({ replies: { 'resource-metadata': () => ({ body }) } });
  expect(idsOf(await look())).toContain(id);
});

test('every place where metadata may be is listed, with what came of it', async () => {
  const { examine: look } = await openPatient({
    issuer: 'https://login.example/tenant',
    replies: {
      'resource-metadata': (call) => (call.url.pathname.endsWith('/mcp') ? { status: 404 } : undefined),
      metadata: (call) =>
        call.url.pathname.startsWith('/tenant') ? undefined : { headers: html, body: '<html>' },
    },
    as: {
      metadataAt: ['https://login.example/tenant/.well-known/openid-configuration'],
      resourceMetadata: { resource: 'https://mcp.example/mcp' },
      resourcePath: '/',
    },
  });
  const { checks } = await look();
  expect(checks.find(({ check }) => check === 'resource-metadata')?.facts.slice(0, 2)).toEqual([
    'https://mcp.example/.well-known/oauth-protected-resource/mcp: status 404',
    'https://mcp.example/.well-known/oauth-protected-resource: status 404',
  ]);
});

const date = (skewMs: number): Record<string, string> => ({
  date: new Date(Date.now() + skewMs).toUTCString(),
});

test('a host whose clock is apart is named; where all hosts agree, this machine’s clock is', async () => {
  const late = await openPatient();
  late.as.on('metadata', async (_call, standard) => ({ ...(await standard()), headers: date(-600_000) }));
  late.as.on('refresh', async (_call, standard) => ({ ...(await standard()), headers: date(-600_000) }));
  late.as.on('register', async () => ({ status: 400, headers: date(-600_000) }));
  expect(findingOf(await late.examine(), 'clocks.apart').what).toContain('login.example is 10 min behind');
  const ours = await openPatient();
  const report = await ours.examine({ clock: () => Date.now() - 7_200_000 });
  expect(findingOf(report, 'clocks.ours-wrong')).toMatchObject({ severity: 'problem', fixedBy: 'person' });
});

test('a client that was registered for an examination is deleted again, where the issuer lets it', async () => {
  const { as, examine: look } = await openPatient();
  as.on('register', async (call, standard) => {
    if (call.method === 'DELETE') return { status: 204 };
    const reply = await standard();
    const body = 'body' in reply ? (reply.body as object) : {};
    return {
      status: 201,
      body: {
        ...body,
        registration_client_uri: 'https://login.example/register',
        registration_access_token: 'CNRYzsecretz-rat',
      },
    };
  });
  const report = await look({ register: true });
  expect(report.checks.at(-1)).toMatchObject({ check: 'clean-up', facts: ['the client is deleted again'] });
  expect(as.calls.at(-1)).toMatchObject({
    method: 'DELETE',
    headers: { authorization: 'Bearer CNRYzsecretz-rat' },
  });
  expect(JSON.stringify(report)).not.toContain('CNRY');
});

test('an address that is no http one is refused, and says what to give', async () => {
  await expect(examine('npx some-server')).rejects.toMatchObject({
    code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
  });
});

test('what looks like a key in the address is said, and stands nowhere in the report', async () => {
  const report = await examine(`${address}?api_key=CNRYzsecretz`, { fetch: failing('ECONNREFUSED') });
  expect(idsOf(report)).toContain('address.holds-credential');
  expect(JSON.stringify(report)).not.toContain('CNRY');
  expect(idsOf(await examine('http://mcp.example/mcp', { fetch: failing('ECONNREFUSED') }))).toContain(
    'address.not-https',
  );
});

test('a stored token that is bound to a key is sent with a proof, and with the nonce that the server wants', async () => {
  const nonces: unknown[] = [];
  const { examine: look } = await openPatient({
    replies: {
      resource: (call) => {
        const { authorization, dpop } = call.headers;
        if (authorization !== 'DPoP CNRYzsecretz-bound' || typeof dpop !== 'string')
          return { status: 401, headers: { 'www-authenticate': 'DPoP' } };
        const { nonce } = decodeJwt(dpop);
        nonces.push(nonce);
        return nonce === 'n1'
          ? open(call)
          : {
              status: 401,
              headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n1' },
            };
      },
    },
  });
  const grant: Grant = {
    issuer: 'https://login.example',
    tokenEndpoint: 'https://login.example/token',
    client: {
      issuer: 'https://login.example',
      clientId: 'client-1',
      tokenEndpointAuthMethod: 'none',
      source: 'dynamic',
      redirectUris: [],
    },
    resource: address,
    accessToken: 'CNRYzsecretz-bound',
    tokenType: 'dpop',
    dpopKeyJwk: await generateDpopKey(),
    obtainedAtMs: 0,
  };
  const report = await look({ earlier: { grant } });
  expect(report.checks.find(({ check }) => check === 'sign-in')?.facts).toEqual([
    'accepted: 1 tool in the first page',
  ]);
  expect(nonces.filter((nonce) => nonce === undefined)).toHaveLength(1);
  expect(JSON.stringify(report)).not.toContain('CNRY');
});

import { describe, expect, test } from 'vitest';
import {
  createAttempt,
  createIntrospection,
  createOAuthHttp,
  discover,
  exchangeCode,
  identifyClient,
  pollDevice,
  refreshGrant,
  revokeGrant,
  startDeviceAuthorization,
  type Attempt,
  type OAuthHttp,
} from '../../src/oauth/index.ts';
import { canary } from '../support/canaries.ts';
import { codeOf } from '../support/stage.ts';

const issuer = 'https://issuer.example';
const server = 'https://server.example/mcp';
const redirectUri = 'https://host.example/callback';
const client = {
  issuer,
  clientId: 'client',
  clientSecret: canary('client'),
  tokenEndpointAuthMethod: 'client_secret_basic',
  source: 'preregistered',
  redirectUris: [redirectUri],
} as const;
const endpoints = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  device_authorization_endpoint: `${issuer}/device`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  require_pushed_authorization_requests: true,
  code_challenge_methods_supported: ['S256'],
};
const discovery = {
  issuer,
  resource: server,
  legacyEndpoints: false,
  dpopRequired: false,
  server: endpoints,
};
const attempt: Attempt = {
  issuer,
  issParameterSupported: false,
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: `${issuer}/token`,
  client,
  redirectUri,
  resource: server,
  codeVerifier: canary('v'.repeat(40)),
  createdAtMs: 0,
};
const tokens = {
  issuer,
  tokenEndpoint: `${issuer}/token`,
  revocationEndpoint: `${issuer}/revoke`,
  client,
  resource: server,
  accessToken: canary('access'),
  refreshToken: canary('refresh'),
  tokenType: 'bearer',
  obtainedAtMs: 0,
} as const;
const device = {
  ...tokens,
  deviceCode: canary('device'),
  userCode: 'ABCD',
  verificationUri: `${issuer}/enter`,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  intervalMs: 5_000,
};

/** Everything that reads what another server answers. */
const readers: Record<string, (http: OAuthHttp) => Promise<unknown>> = {
  metadata: (http) => discover(server, undefined, http),
  registration: (http) => identifyClient({ discovery, redirectUri, metadata: { clientName: 'x' } }, http),
  'a pushed request': (http) => createAttempt({ discovery, client, redirectUri }, http),
  'a code': (http) => exchangeCode(attempt, canary('code'), http),
  'a refresh': (http) => refreshGrant(tokens, http),
  'a revocation': (http) => revokeGrant(tokens, http),
  'a device code': (http) => startDeviceAuthorization({ discovery, client }, http),
  'a poll': (http) => pollDevice(device, http),
  'an introspection': (http) =>
    createIntrospection(
      { issuer, endpoint: `${issuer}/introspect`, clientId: 'server', clientSecret: canary('server') },
      http,
    )(canary('access')),
};

const chunkBytes = 16_384;
const maxBodyBytes = 1_048_576;

/** A body without an end, and how much of it was asked for. */
function endless(): { body: ReadableStream<Uint8Array>; pulled: () => number; isCancelled: () => boolean } {
  let pulled = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pulled += chunkBytes;
        controller.enqueue(new Uint8Array(chunkBytes).fill(0x20));
      },
      cancel: () => void (isCancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled, isCancelled: () => isCancelled };
}

describe('of a reply without an end', () => {
  test.each(Object.keys(readers))(
    'to %s no more than a mebibyte is read, and the rest refused',
    async (reader) => {
      const bodies: ReturnType<typeof endless>[] = [];
      const http = createOAuthHttp({
        fetch: async () => {
          const body = endless();
          bodies.push(body);
          return new Response(body.body, { headers: { 'content-type': 'application/json' } });
        },
      });
      expect(await codeOf(readers[reader]!(http))).toMatch(
        /^ERR_POSTERN_OAUTH_(?:RESPONSE|METADATA)_INVALID$/u,
      );
      expect(bodies.length).toBeGreaterThan(0);
      for (const { pulled, isCancelled } of bodies) {
        expect(pulled()).toBeLessThanOrEqual(maxBodyBytes + chunkBytes);
        expect(isCancelled()).toBe(true);
      }
    },
  );
});

/** Bodies that cost whoever walks them, and how deep a walker would go. */
const costly: Record<string, string> = {
  'lists in lists': '['.repeat(500_000),
  'objects in objects': '{"a":'.repeat(200_000),
  'lists in a field': `{"issuer":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
};

describe('a reply of a mebibyte', () => {
  test.each(Object.keys(costly))(
    'of %s is given up at a depth of 64, before anything is parsed',
    async (kind) => {
      const parse = JSON.parse.bind(JSON);
      let parsed = 0;
      const http = createOAuthHttp({ fetch: async () => new Response(costly[kind]) });
      for (const reader of Object.values(readers)) {
        JSON.parse = (text, reviver) => {
          // Whatever else goes on in this process reads nothing as long as that.
          if (text.length > 500_000) parsed++;
          return parse(text, reviver) as unknown;
        };
        try {
          // A revocation is done whatever its reply says.
          await reader(http).catch((error: unknown) => expect(error).toHaveProperty('code'));
        } finally {
          JSON.parse = parse;
        }
      }
      expect(parsed).toBe(0);
    },
  );
});

describe('a request for tokens', () => {
  const dpop = { ...tokens, tokenType: 'dpop', dpopKeyJwk: undefined as never } as const;
  test('whose proof is refused because the clocks differ is sent once, and the error says why', async () => {
    const { generateDpopKey } = await import('../../src/oauth/index.ts');
    let sent = 0;
    const http = createOAuthHttp({
      clock: () => Date.now() - 600_000,
      fetch: async () => {
        sent++;
        return Response.json({ error: 'invalid_dpop_proof' }, { status: 400 });
      },
    });
    const grant = { ...dpop, dpopKeyJwk: await generateDpopKey() };
    await expect(refreshGrant(grant, http)).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
      error: 'invalid_dpop_proof',
    });
    expect(sent).toBe(1);
  });
});

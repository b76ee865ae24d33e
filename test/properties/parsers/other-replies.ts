import assert from 'node:assert/strict';
import { createAttempt } from '../../../src/oauth/attempt.ts';
import {
  deviceAuthorizationSchema,
  pollDevice,
  startDeviceAuthorization,
  type DeviceAuthorization,
} from '../../../src/oauth/device.ts';
import { grantSchema } from '../../../src/oauth/grant.ts';
import { createIntrospection } from '../../../src/oauth/introspection.ts';
import { revokeGrant } from '../../../src/oauth/revocation.ts';
import { canary } from '../../support/canaries.ts';
import { hostileReply } from '../hostile.ts';
import { checkSurvivesJson, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { checkIsPublic, issuer, nowMs, openWire, server } from '../wire.ts';

const client = {
  issuer,
  clientId: 'client',
  clientSecret: canary('client-secret'),
  tokenEndpointAuthMethod: 'client_secret_basic',
  source: 'preregistered',
  redirectUris: [],
} as const;
const discovery = {
  issuer,
  resource: server,
  legacyEndpoints: false,
  dpopRequired: false,
  server: {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    device_authorization_endpoint: `${issuer}/device`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    require_pushed_authorization_requests: true,
    code_challenge_methods_supported: ['S256'],
  },
};
const device: DeviceAuthorization = {
  issuer,
  tokenEndpoint: `${issuer}/token`,
  client,
  resource: server,
  deviceCode: canary('device'),
  userCode: 'ABCD-EFGH',
  verificationUri: `${issuer}/device`,
  expiresAtMs: nowMs + 600_000,
  intervalMs: 5_000,
};

const codes = parserProperty(
  'the reply to a request for a device code leads people to public https pages, or is a typed error',
  hostileReply({
    device_code: canary('device'),
    user_code: 'ABCD-EFGH',
    verification_uri: `${issuer}/device`,
    verification_uri_complete: `${issuer}/device?code=ABCD-EFGH`,
    expires_in: 600,
    interval: 5,
  }),
  async (reply) => {
    const { http } = openWire(() => reply);
    const { value } = await outcomeOf(() => startDeviceAuthorization({ discovery, client }, http));
    if (value === undefined) return;
    checkSurvivesJson(value, (stored) => deviceAuthorizationSchema.parse(stored));
    for (const url of [value.verificationUri, value.verificationUriComplete ?? issuer]) checkIsPublic(url);
    assert.ok(value.intervalMs > 0 && value.intervalMs <= 60_000, `every ${value.intervalMs} ms`);
    assert.ok(
      value.expiresAtMs > nowMs && value.expiresAtMs <= nowMs + 3_600_000,
      `until ${value.expiresAtMs}`,
    );
    assert.ok(value.userCode !== '' && value.userCode.length <= 2_048);
  },
);

const polls = parserProperty(
  'the reply to a poll waits longer, grants, or is a typed error',
  hostileReply(
    { access_token: canary('access'), token_type: 'Bearer', expires_in: 60, error: 'authorization_pending' },
    400,
  ),
  async (reply) => {
    const { http, asked } = openWire(() => reply);
    const { value } = await outcomeOf(() => pollDevice(device, http));
    assert.equal(asked[0], `${issuer}/token`);
    if (value?.status === 'waiting') assert.ok([5_000, 10_000].includes(value.intervalMs));
    if (value?.status === 'granted') checkSurvivesJson(value.grant, (stored) => grantSchema.parse(stored));
  },
);

const introspection = parserProperty(
  'the reply to an introspection says active only where it says so, or is a typed error',
  hostileReply({ active: true, sub: 'alice', scope: 'read', exp: nowMs / 1000 + 60, aud: server }),
  async (reply) => {
    const { http } = openWire(() => reply);
    const ask = createIntrospection(
      { issuer, endpoint: `${issuer}/introspect`, clientId: 'server', clientSecret: canary('server-secret') },
      http,
    );
    const { value } = await outcomeOf(() => ask(canary('access')));
    if (value === undefined) return;
    const text = new TextDecoder().decode(reply.body);
    assert.equal((JSON.parse(text) as { active: unknown }).active, true);
    assert.equal(reply.status, 200);
    assert.ok(!('active' in value));
  },
);

const revocation = parserProperty(
  'the reply to a revocation says done, or is a typed error',
  hostileReply({ error: 'invalid_token', error_description: canary('access') }, 400),
  async (reply) => {
    const { http, asked } = openWire(() => reply);
    const tokens = {
      issuer,
      revocationEndpoint: `${issuer}/revoke`,
      client,
      accessToken: canary('access'),
      refreshToken: canary('refresh'),
    };
    const { value } = await outcomeOf(() => revokeGrant(tokens, http));
    assert.ok(value === undefined || (value && asked.length === 2));
  },
);

const pushed = parserProperty(
  'the reply to a pushed request gives an address that says nothing of the request, or a typed error',
  hostileReply({ request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }, 201),
  async (reply) => {
    const { http } = openWire(() => reply);
    const { value } = await outcomeOf(() =>
      createAttempt({ discovery, client, redirectUri: 'https://host.example/callback' }, http),
    );
    if (value === undefined) return;
    checkIsPublic(value.url);
    const { searchParams, origin } = new URL(value.url);
    assert.deepEqual([origin, [...searchParams.keys()].toSorted()], [issuer, ['client_id', 'request_uri']]);
  },
);

export const otherReplyProperties: readonly ParserProperty[] = [
  codes,
  polls,
  introspection,
  revocation,
  pushed,
];

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isHeaderValue } from '../../../src/core/header-value.ts';
import type { Attempt } from '../../../src/oauth/attempt.ts';
import {
  clientCredentialsGrant,
  exchangeCode,
  exchangeForIdJag,
  grantSchema,
  refreshGrant,
  type Grant,
} from '../../../src/oauth/grant.ts';
import type { IssuerProfile } from '../../../src/oauth/profiles/issuer-profile.ts';
import { providers } from '../../../src/oauth/profiles/providers.ts';
import { canary } from '../../support/canaries.ts';
import { hostileReply, type HostileReply } from '../hostile.ts';
import { checkSurvivesJson, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { issuer, nowMs, openWire, server } from '../wire.ts';

const client = {
  issuer,
  clientId: 'client',
  clientSecret: canary('client-secret'),
  tokenEndpointAuthMethod: 'client_secret_post',
  source: 'preregistered',
  redirectUris: ['https://host.example/callback'],
} as const;

const attempt: Attempt = {
  issuer,
  issParameterSupported: true,
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: `${issuer}/token`,
  revocationEndpoint: `${issuer}/revoke`,
  client,
  redirectUri: 'https://host.example/callback',
  resource: server,
  scopes: ['read'],
  codeVerifier: canary('verifier'.repeat(6)),
  createdAtMs: nowMs,
};

const grant: Grant = {
  accessToken: canary('old-access'),
  tokenType: 'bearer',
  refreshToken: canary('old-refresh'),
  issuer,
  tokenEndpoint: `${issuer}/token`,
  client,
  resource: server,
  scopes: ['read'],
  obtainedAtMs: nowMs,
};

const good = {
  access_token: canary('access'),
  token_type: 'Bearer',
  expires_in: 3_600,
  refresh_token: canary('refresh'),
  scope: 'read write',
};

const profile = fc.constantFrom<(IssuerProfile | undefined)[]>(
  undefined,
  ...providers.map((provider) => provider.profile),
);

/** One more than the longest lifetime. */
const farMs = nowMs + 11 * 365 * 86_400_000;

function checkGrant(value: Grant): void {
  checkSurvivesJson(value, (stored) => grantSchema.parse(stored));
  assert.ok(value.accessToken !== '' && isHeaderValue(value.accessToken), 'a header can carry the token');
  const { expiresAtMs = nowMs } = value;
  assert.ok(expiresAtMs >= nowMs && expiresAtMs < farMs, `it ends at ${expiresAtMs}`);
  assert.ok(value.scopes?.every((scope) => scope !== '') !== false);
  assert.deepEqual([value.issuer, value.tokenEndpoint, value.resource], [issuer, `${issuer}/token`, server]);
}

/** The reply of a token endpoint; a revocation that follows is accepted. */
function wireOf(reply: HostileReply): ReturnType<typeof openWire> {
  return openWire((url) =>
    url.endsWith('/revoke') ? { status: 200, headers: {}, body: new Uint8Array() } : reply,
  );
}

const sentOnce = (asked: readonly string[]): void =>
  assert.equal(asked.filter((url) => url.endsWith('/token')).length, 1, 'it is sent once');

const code = parserProperty(
  'the reply to a code gives a grant that can be stored and sent, or a typed error, after one request',
  fc.tuple(hostileReply(good), profile),
  async ([reply, chosen]) => {
    const { http, asked } = wireOf(reply);
    const { value } = await outcomeOf(() =>
      exchangeCode({ ...attempt, profile: chosen }, canary('code'), http),
    );
    sentOnce(asked);
    if (value !== undefined) checkGrant(value);
  },
);

const refresh = parserProperty(
  'the reply to a refresh keeps what it leaves out, or is a typed error, after one request',
  fc.tuple(hostileReply(good), profile),
  async ([reply, chosen]) => {
    const { http, asked } = wireOf(reply);
    const before = { ...grant, profile: chosen };
    const { value } = await outcomeOf(() => refreshGrant(before, http));
    sentOnce(asked);
    if (value === undefined) return;
    checkGrant(value);
    assert.ok((value.refreshToken ?? '') !== '', 'a refresh token is left');
  },
);

const machine = parserProperty(
  'the reply to a machine gives a grant that can be stored and sent, or a typed error',
  hostileReply(good),
  async (reply) => {
    const { http } = wireOf(reply);
    const discovery = {
      issuer,
      resource: server,
      dpopRequired: false,
      server: { issuer, token_endpoint: `${issuer}/token` },
    };
    const { value } = await outcomeOf(() => clientCredentialsGrant({ discovery, client }, http));
    if (value !== undefined) checkGrant(value);
  },
);

const idJag = parserProperty(
  'the reply to an exchange for an assertion gives a text, or a typed error',
  hostileReply({ ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag' }),
  async (reply) => {
    const { http } = wireOf(reply);
    const options = {
      client,
      tokenEndpoint: `${issuer}/token`,
      subjectToken: canary('subject'),
      audience: issuer,
      resource: server,
    };
    const { value } = await outcomeOf(() => exchangeForIdJag(options, http));
    if (value !== undefined) assert.ok(typeof value === 'string' && value !== '');
  },
);

export const tokenProperties: readonly ParserProperty[] = [code, refresh, machine, idJag];

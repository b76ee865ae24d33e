import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createAttempt } from '../../../src/oauth/attempt.ts';
import { discover, discoverySchema } from '../../../src/oauth/discovery.ts';
import { hostileReply, hostileUrl, type HostileReply } from '../hostile.ts';
import { checkSurvivesJson, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { checkIsPublic, issuer, nowMs, openWire, server } from '../wire.ts';

const goodServer = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  revocation_endpoint: `${issuer}/revoke`,
  device_authorization_endpoint: `${issuer}/device`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  introspection_endpoint: `${issuer}/introspect`,
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
  scopes_supported: ['read', 'offline_access'],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: true,
};
const goodResource = {
  resource: server,
  resource_name: 'A server',
  authorization_servers: [issuer],
  scopes_supported: ['read', 'write'],
  bearer_methods_supported: ['header'],
  dpop_bound_access_tokens_required: false,
};

const absent: HostileReply = { status: 404, headers: {}, body: new Uint8Array() };
const places = fc.record({
  resource: hostileReply(goodResource),
  server: hostileReply(goodServer),
  other: fc.oneof(
    { weight: 3, arbitrary: fc.constant(absent) },
    { weight: 1, arbitrary: hostileReply(goodServer) },
  ),
  named: fc.option(
    fc.oneof(hostileUrl, fc.constant('https://server.example/.well-known/oauth-protected-resource/mcp')),
    { nil: undefined, freq: 3 },
  ),
});

const endpointFields = Object.keys(goodServer).filter((name) => name.endsWith('_endpoint'));

const metadata = parserProperty(
  'metadata of a server and of its issuer lead to public https addresses, or to a typed error',
  places,
  async ({ resource, server: main, other, named }) => {
    const { http, asked } = openWire((url) => {
      if (url.includes('/.well-known/oauth-protected-resource')) return resource;
      if (url.includes('/.well-known/oauth-authorization-server')) return main;
      return other;
    });
    const challenge = { scheme: 'bearer', schemes: ['bearer'], resourceMetadataUrl: named };
    const { value } = await outcomeOf(() => discover(server, challenge, http));
    // Three places for the resource and three for each issuer it names, each redirected three times at most.
    assert.ok(asked.length <= 4 * (3 + 3 * 4), `${asked.length} requests`);
    if (value === undefined) return;
    checkSurvivesJson(value, (stored) => discoverySchema.parse(stored));
    assert.equal(new URL(value.resource).origin, new URL(server).origin);
    assert.equal(value.server.issuer, value.issuer, 'it is who it was asked of');
    for (const name of endpointFields) {
      const url = value.server[name as 'token_endpoint'];
      if (url !== undefined && name !== 'introspection_endpoint') checkIsPublic(url);
    }
    const client = {
      issuer: value.issuer,
      clientId: 'client',
      tokenEndpointAuthMethod: 'none',
      source: 'preregistered',
      redirectUris: [],
    } as const;
    const redirectUri = 'https://host.example/callback';
    const started = await outcomeOf(() => createAttempt({ discovery: value, client, redirectUri }, http));
    if (started.value === undefined) return;
    const { url, attempt } = started.value;
    checkIsPublic(url);
    assert.ok(!/[\s"'`$()<>|;\\^{}]/u.test(url), `a shell could read ${url}`);
    assert.equal(attempt.createdAtMs, nowMs);
    assert.equal(new URL(url).searchParams.getAll('state').length, 1);
  },
);

const redirects = parserProperty(
  'a document that is redirected is fetched from public https addresses, four at most',
  fc.array(hostileUrl, { maxLength: 8 }),
  async (locations) => {
    const left = locations.map((url) => url.replaceAll(/[^\x21-\x7E]/gu, ''));
    const { http, asked } = openWire(() => {
      const location = left.shift();
      return location === undefined
        ? { status: 200, headers: {}, body: new TextEncoder().encode('{}') }
        : { status: 302, headers: { location }, body: new Uint8Array() };
    });
    await outcomeOf(() => http.getDocument(new URL('https://issuer.example/.well-known/x')));
    assert.ok(asked.length <= 4, `${asked.length} requests`);
  },
);

export const metadataProperties: readonly ParserProperty[] = [metadata, redirects];

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clientIdentitySchema } from '../../../src/oauth/client-identity.ts';
import { authenticationOf } from '../../../src/oauth/client-authentication.ts';
import { identifyClient } from '../../../src/oauth/registration.ts';
import { canary } from '../../support/canaries.ts';
import { hostileReply } from '../hostile.ts';
import { checkSurvivesJson, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { issuer, nowMs, openWire } from '../wire.ts';

const redirectUri = 'https://host.example/callback';
const good = {
  client_id: 'client-1',
  client_secret: canary('client-secret'),
  client_secret_expires_at: nowMs / 1000 + 3_600,
  client_id_issued_at: nowMs / 1000,
  registration_access_token: canary('registration'),
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
};

const registration = parserProperty(
  'the reply to a registration gives a client that can be stored and used, or a typed error',
  fc.tuple(
    hostileReply(good, 201),
    fc.constantFrom<string[] | undefined>(undefined, ['none'], ['client_secret_post'], ['private_key_jwt']),
  ),
  async ([reply, methods]) => {
    const { http, asked } = openWire(() => reply);
    const discovery = {
      issuer,
      server: {
        issuer,
        registration_endpoint: `${issuer}/register`,
        ...(methods && { token_endpoint_auth_methods_supported: methods }),
      },
    };
    const options = { discovery, redirectUri, metadata: { clientName: 'Postern' } };
    const { value } = await outcomeOf(() => identifyClient(options, http));
    assert.equal(asked.length, 1, 'it is sent once');
    if (value === undefined) return;
    checkSurvivesJson(value, (stored) => clientIdentitySchema.parse(stored));
    assert.deepEqual([value.issuer, value.redirectUris], [issuer, [redirectUri]]);
    assert.notEqual(value.clientId, '');
    await authenticationOf(value);
  },
);

export const registrationProperties: readonly ParserProperty[] = [registration];

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ZodType } from 'zod';
import { errorCodes } from '../../../src/core/error-codes.ts';
import { attemptSchema } from '../../../src/oauth/attempt.ts';
import { clientIdentitySchema } from '../../../src/oauth/client-identity.ts';
import { deviceAuthorizationSchema } from '../../../src/oauth/device.ts';
import { discoverySchema } from '../../../src/oauth/discovery.ts';
import { grantSchema } from '../../../src/oauth/grant.ts';
import { errorOfEnd, pendingRecord, type PendingRecord } from '../../../src/pending/pending.ts';
import { storedCredential } from '../../../src/interaction/credentials/credential-store.ts';
import { createNamespace } from '../../../src/namespace/index.ts';
import { hashArguments, RequestStates, type RequestState } from '../../../src/oob/request-state.ts';
import { continuationRecord } from '../../../src/resume/continuation.ts';
import { Collection } from '../../../src/storage/collection.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import { NamespacedStorage } from '../../../src/storage/namespaced-storage.ts';
import { canary } from '../../support/canaries.ts';
import { hostileBytes, hostileDocument, hostileText } from '../hostile.ts';
import { outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { issuer, nowMs, server } from '../wire.ts';

const client = {
  issuer,
  clientId: 'client',
  clientSecret: canary('client-secret'),
  tokenEndpointAuthMethod: 'client_secret_basic',
  source: 'dynamic',
  redirectUris: ['https://host.example/callback'],
};
const grant = {
  accessToken: canary('access'),
  tokenType: 'bearer',
  refreshToken: canary('refresh'),
  scopes: ['read'],
  issuer,
  tokenEndpoint: `${issuer}/token`,
  client,
  resource: server,
  obtainedAtMs: nowMs,
};

/** One record of each sort, as it lies in a store. */
const records: Readonly<Record<string, readonly [ZodType, Record<string, unknown>]>> = {
  grant: [grantSchema, grant],
  client: [clientIdentitySchema, client],
  attempt: [
    attemptSchema,
    {
      issuer,
      issParameterSupported: true,
      authorizationEndpoint: `${issuer}/authorize`,
      tokenEndpoint: `${issuer}/token`,
      client,
      redirectUri: 'https://host.example/callback',
      resource: server,
      codeVerifier: canary('verifier'),
      createdAtMs: nowMs,
    },
  ],
  device: [
    deviceAuthorizationSchema,
    {
      issuer,
      tokenEndpoint: `${issuer}/token`,
      client,
      resource: server,
      deviceCode: canary('device'),
      userCode: 'ABCD',
      verificationUri: `${issuer}/device`,
      expiresAtMs: nowMs,
      intervalMs: 5_000,
    },
  ],
  discovery: [
    discoverySchema,
    { resource: server, issuer, server: { issuer }, legacyEndpoints: false, dpopRequired: false },
  ],
  credential: [
    storedCredential,
    { kind: 'oauth_grant', scopes: ['read'], obtainedAtMs: nowMs, credential: grant },
  ],
  pending: [
    pendingRecord,
    {
      id: 'x'.repeat(32),
      kind: 'oauth_redirect',
      resource: server,
      initiator: 'alice',
      createdAtMs: nowMs,
      expiresAtMs: nowMs + 600_000,
      status: 'failed',
      url: 'https://host.example/connect/x',
      failure: 'ERR_POSTERN_AUTH_DENIED',
      data: grant,
    },
  ],
  continuation: [
    continuationRecord,
    {
      id: '1',
      handler: 'answer',
      payload: { secret: canary('payload') },
      waitingFor: 'x',
      status: 'waiting',
      attempts: 0,
      createdAtMs: nowMs,
    },
  ],
};

const stored = Object.entries(records).map(([name, [schema, good]]) => {
  const storage = new NamespacedStorage(new MemoryBackend(), ['properties', name]);
  const collection = new Collection<unknown>(storage, schema);
  return parserProperty(
    `a stored ${name} is read as it was written, or set aside without a word of it`,
    hostileBytes(hostileDocument(good)),
    async (value) => {
      await storage.commit([{ put: storage.key(['it']), value }]);
      const { value: read } = await outcomeOf(() => collection.find('it'));
      // In a list it harms only itself.
      assert.equal((await collection.list()).length, read === undefined ? 0 : 1);
      if (read === undefined) return;
      await collection.put(['it'], read.value);
      const again = await collection.find('it');
      assert.deepEqual(
        again?.value,
        JSON.parse(JSON.stringify(read.value)),
        'written again, it stays the same',
      );
      assert.equal(Object.getPrototypeOf(read.value), Object.prototype, 'no field became its prototype');
      if (name === 'pending') {
        const end = errorOfEnd(read.value as PendingRecord);
        assert.ok(end === undefined || Object.hasOwn(errorCodes, end.code), `it ended with ${end?.code}`);
      }
    },
  );
});

const alice = createNamespace('user', 'alice');
const bob = createNamespace('user', 'bob');
const states = new RequestStates({
  onUnreadable: () => {},
  storage: new MemoryBackend(),
  now: async () => nowMs,
});
const state: RequestState = {
  tool: 'run_query',
  arguments: 'hash',
  asked: [{ id: 'x'.repeat(32), accepted: true }],
  nonce: canary('nonce'),
  expiresAtMs: nowMs + 60_000,
};

const requestState = parserProperty(
  'a request state opens for whoever it was sealed for, to the letter, and for nobody else',
  fc.record({
    text: fc.option(hostileText, { freq: 2 }),
    at: fc.nat(),
    change: hostileText,
    expiresInMs: fc.integer({ min: -1_000, max: 1_000 }),
  }),
  async ({ text, at, change, expiresInMs }) => {
    const sealed = await states.seal(alice, { ...state, expiresAtMs: nowMs + expiresInMs });
    const place = at % sealed.length;
    const changed = text ?? sealed.slice(0, place) + change + sealed.slice(place + 1);
    const opened = await outcomeOf(() => states.open(alice, changed));
    assert.equal(opened.value !== undefined, changed === sealed && expiresInMs > 0);
    const own = await outcomeOf(() => states.open(alice, sealed));
    assert.equal(own.value?.nonce, expiresInMs > 0 ? state.nonce : undefined);
    const foreign = await outcomeOf(() => states.open(bob, sealed));
    assert.equal(foreign.error?.code, 'ERR_POSTERN_OOB_STATE_INVALID');
    assert.equal(own.error === undefined || own.error.message === foreign.error?.message, true);
  },
);

const callArguments = parserProperty(
  'the arguments of a call have one hash, whatever the order of their fields, and others another',
  fc.tuple(fc.dictionary(hostileText, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true }), hostileText),
  async ([fields, more]) => {
    const hash = await hashArguments(fields);
    const reversed = Object.fromEntries(Object.entries(fields).toReversed());
    assert.equal(await hashArguments(reversed), hash);
    // Not by way of JSON: V8 13.6 (Node 24.21) reads the key "\"*" as "\\\"" once it has seen an object with that one.
    assert.equal(await hashArguments(structuredClone(fields)), hash);
    const name = `${more}!`;
    if (!Object.hasOwn(fields, name)) assert.notEqual(await hashArguments({ ...fields, [name]: 1 }), hash);
  },
);

export const storedProperties: readonly ParserProperty[] = [...stored, requestState, callArguments];

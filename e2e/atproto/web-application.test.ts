/** A deployment as a confidential client, at a real PDS, which fetches its documents. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openAtprotoLogins } from '../../examples/atproto-server/atproto-logins.ts';
import { getProfile } from '../../examples/atproto-server/atproto-api.ts';
import { webApplication } from '../../src/atproto/index.ts';
import { fixedNamespace } from '../../src/namespace/index.ts';
import { Oob, type ToolContext } from '../../src/oob/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { createRecordingLogger } from '../../test/support/recording-logger.ts';
import { createSteppedClock } from '../../test/support/stepped-clock.ts';
import { HttpPerson } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import { codeOf } from './stage.ts';

const publicUrl = 'https://app.postern-test.org/postern';
let network: Network;
let alice: Account;
beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
});
afterAll(() => network?.[Symbol.asyncDispose]());

async function makeKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

/** A deployment behind something that ends TLS for it. */
async function deploy(keys: readonly JWK[], storage: MemoryBackend, clock: () => number) {
  const oob = new Oob({
    storage,
    clock,
    namespaces: fixedNamespace('tools'),
    publicUrl,
    verifyUser: async () => 'tools',
    initiatorOf: () => 'tools',
    logger: createRecordingLogger(),
  });
  onTestFinished(() => oob.close());
  const application = webApplication({ publicUrl, clientName: 'Tools of a test', keys });
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = `https://app.postern-test.org${request.url ?? ''}`;
      asked.push(new URL(url).pathname);
      const answer = await (async (sent: Request) => (await application.fetch(sent)) ?? oob.fetch(sent))(
        await toRequest(url, request),
      );
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await network.mapOrigin('https://app.postern-test.org', origin);
  const { pdsUrl, plcUrl } = network;
  const places = { service: pdsUrl, plcDirectoryUrl: plcUrl, handleResolver: pdsUrl, isPrivate: true };
  const logins = openAtprotoLogins(oob, places, application);
  const principal = await oob.principal({});
  const context = {
    principal,
    credential: (request) => oob.credentials.acquire(principal, request),
  } as Partial<ToolContext> as ToolContext;
  return {
    oob,
    asked,
    logins,
    principal,
    /** As a browser that is sent to the public address comes here. */
    here: (url: URL) => `${origin}${url.pathname}${url.search}`,
    profile: async () => {
      const { did, call } = await logins.accountFor(context, 'alice.test');
      return getProfile(call, did);
    },
    begin: async () => {
      const request = await logins.login.accounts.loginRequest(principal, 'alice.test');
      return new URL((await oob.credentials.ask(principal, request)).url);
    },
  };
}

async function toRequest(url: string, { method = 'GET', headers }: IncomingMessage): Promise<Request> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  return new Request(url, { method, headers: entries });
}

test('the PDS finds its documents and shows its name, and its session is renewed and ended with its key', async () => {
  const { clock, storage } = openStore();
  const [first, second] = [await makeKey('first'), await makeKey('second')];
  const app = await deploy([first], storage, clock);
  const link = await app.begin();
  expect(link.origin).toBe('https://app.postern-test.org');
  const person = new HttpPerson();
  const page = await person.open(app.here(link));
  expect(page.url.origin).toBe(network.pdsUrl);
  const isHere = ({ hostname }: URL): boolean => hostname === 'app.postern-test.org';
  const callback = await person.consent(page, alice, isHere);
  await person.open(app.here(callback.url), isHere);
  expect(app.asked).toContain('/postern/atproto-client-metadata.json');
  expect(app.asked).toContain('/postern/atproto-jwks.json');
  expect(await app.profile()).toMatchObject({ did: alice.did });

  // A new key in front of the old one: what the old one began goes on.
  const rotated = await deploy([second, first], storage, clock);
  const { credentials } = rotated.oob.interactions;
  const place = { resource: 'atproto', alias: 'alice.test' };
  const stored = await credentials.in(rotated.principal.namespace).find(place);
  const credential = stored?.value.credential as Record<string, unknown>;
  const request = await rotated.logins.login.accounts.request(rotated.principal, 'alice.test');
  await rotated.oob.credentials.put(rotated.principal, request, { ...credential, expiresAtMs: 1 });
  expect(await rotated.profile()).toMatchObject({ did: alice.did });

  // A key that was taken out can prove nothing any more: the person is asked, and the session kept.
  const lost = await deploy([second], storage, clock);
  await lost.oob.credentials.put(lost.principal, request, { ...credential, expiresAtMs: 1 });
  expect(await codeOf(lost.profile())).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');

  const { forgotten } = await rotated.logins.login.accounts.delete(rotated.principal, 'alice.test');
  expect(forgotten.revocation).toBe('confirmed');
});

function openStore(): { clock: () => number; storage: MemoryBackend } {
  const { clock } = createSteppedClock();
  return { clock, storage: new MemoryBackend({ clock }) };
}

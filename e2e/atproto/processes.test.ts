/** Servers that are started again, killed at any moment, or several at once, on one store. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openLocalStorage } from '../../src/storage/local.ts';
import { HttpPerson } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import {
  connectOnStdio,
  linkOf,
  listOf,
  loginOf,
  openFolder,
  textOf,
  type AtprotoClient,
} from './servers.ts';
import { openStage } from './stage.ts';

let network: Network;
let alice: Account;
beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
});
afterAll(() => network?.[Symbol.asyncDispose]());

const isCallback = ({ pathname }: URL): boolean => pathname === '/callback';

function openMachine(): { path: string; start: () => Promise<AtprotoClient> } {
  const folder = openFolder();
  onTestFinished(folder.close);
  return {
    path: folder.path,
    start: async () => {
      const client = await connectOnStdio(network, folder.path);
      onTestFinished(() => client.kill());
      return client;
    },
  };
}

/** Opens an address until somebody answers it: a process that has just been started takes a port over a little later. */
async function openWhenServed(person: HttpPerson, url: string) {
  for (let tries = 0; ; tries++) {
    try {
      return await person.open(url);
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** What a person does who sees something else than the end: opens the link again, and goes the whole way. */
async function finish(person: HttpPerson, client: AtprotoClient, link: string): Promise<void> {
  if (loginOf(await listOf(client), 'alice.test')?.status === 'done') return;
  const page = await openWhenServed(person, link);
  const out = page.html.includes('name="form-action"')
    ? await person.submit(page, { 'form-action': 'continue' })
    : page;
  expect((await person.consent(out, alice)).html).toContain('You are signed in');
}

describe('a server that is killed', () => {
  const steps = {
    'after the link was given': async () => {},
    'while the person is at their server': async (person: HttpPerson, link: string) => {
      await person.open(link);
    },
  };
  test.for(Object.entries(steps))('%s: its next process finishes the login', async ([, before]) => {
    const machine = openMachine();
    const first = await machine.start();
    const link = linkOf(await first.call('login', { handle: 'alice.test' }));
    const person = new HttpPerson();
    await before(person, link);
    await first.kill();
    const second = await machine.start();
    await finish(person, second, link);
    expect(textOf(await second.call('profile'))).toContain(alice.did);
  });

  test('after the consent: the callback that was on its way is answered by its next process', async () => {
    const machine = openMachine();
    const first = await machine.start();
    const link = linkOf(await first.call('login', { handle: 'alice.test' }));
    const person = new HttpPerson();
    const callback = await person.signIn(link, alice, isCallback);
    await first.kill();
    const second = await machine.start();
    expect((await openWhenServed(person, callback.url.href)).html).toContain('You are signed in');
    expect(textOf(await second.call('profile'))).toContain(alice.did);
  });

  test(
    'at any moment of the exchange: the login is done, or its link starts it again',
    { timeout: 180_000 },
    async () => {
      for (const delayMs of [0, 3, 6, 10, 15, 20, 30, 45, 60, 90]) {
        const machine = openMachine();
        const first = await machine.start();
        const link = linkOf(await first.call('login', { handle: 'alice.test' }));
        const person = new HttpPerson();
        const callback = await person.signIn(link, alice, isCallback);
        const answered = person.open(callback.url.href).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await first.kill();
        await answered;
        const second = await machine.start();
        await finish(person, second, link);
        expect((await listOf(second)).accounts).toMatchObject([{ subject: alice.did }]);
        expect(textOf(await second.call('profile')), `killed after ${delayMs} ms`).toContain(alice.did);
        await second.kill();
      }
    },
  );

  test('after the login: its next process uses what was kept', async () => {
    const machine = openMachine();
    const first = await machine.start();
    const link = linkOf(await first.call('login', { handle: 'alice.test' }));
    await new HttpPerson().signIn(link, alice);
    await first.kill();
    const second = await machine.start();
    expect(textOf(await second.call('post', { text: 'after a restart' }))).toContain('Posted');
    const { structuredContent } = await second.call('login', { command: 'delete', handle: 'alice.test' });
    expect(structuredContent).toMatchObject({ deleted: { revocation: 'confirmed' } });
  });
});

describe('two servers on one store', () => {
  test('a login that one has begun is listed by the other, and either can use it', async () => {
    const machine = openMachine();
    const [one, other] = [await machine.start(), await machine.start()];
    const link = linkOf(await one.call('login', { handle: 'alice.test' }));
    expect(linkOf(await other.call('login', { handle: 'alice.test' }))).toBe(link);
    await new HttpPerson().signIn(link, alice);
    for (const client of [one, other]) {
      expect(loginOf(await listOf(client), 'alice.test')?.status).toBe('done');
      expect(textOf(await client.call('profile'))).toContain(alice.did);
    }
  });

  test(
    'a session that ends is renewed once for both, ten times over, and its family lives',
    { timeout: 120_000 },
    async () => {
      const machine = openMachine();
      const [one, other] = [await machine.start(), await machine.start()];
      await new HttpPerson().signIn(linkOf(await one.call('login', { handle: 'alice.test' })), alice);
      const storage = openLocalStorage(machine.path);
      onTestFinished(() => storage.close());
      const stage = await openStage(network, storage);
      const tokens = new Set<string>();
      for (let round = 0; round < 10; round++) {
        await stage.expire('alice.test');
        const calls = [one, other, one, other, one, other].map((client) => client.call('profile'));
        for (const answer of await Promise.all(calls)) expect(textOf(answer)).toContain(alice.did);
        tokens.add((await stage.storedOf('alice.test')).session.tokenSet.refresh_token);
      }
      // Had two of them ever sent the same token, there would have been no next round.
      expect(tokens.size).toBe(10);
    },
  );
});

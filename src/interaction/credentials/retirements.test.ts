import { expect, test } from 'vitest';
import { sleep } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { createNamespace, storageOf } from '../../namespace/namespace.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { createSurroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { credentialsIn } from './credential-store.ts';
import { Retirements } from './retirements.ts';

const leaseMs = 30_000;

/** Processes of one store, whose issuer may be away. */
function openStore() {
  let now = 1_000_000;
  const clock = (): number => now;
  const storage = new MemoryBackend({ clock });
  const revoked: unknown[] = [];
  const issuer = { isAway: false, answerMs: 0 };
  const kind: CredentialKind = {
    name: 'token',
    read: (stored) => stored,
    revoke: async (stored) => {
      if (issuer.isAway) throw new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'the issuer is away');
      if (issuer.answerMs > 0) await sleep(issuer.answerMs);
      revoked.push(stored);
      return 'confirmed';
    },
  };
  const placeOf = (user: string) => ({
    namespace: createNamespace('client', user),
    resource: 'https://files.example',
    alias: 'files',
  });
  return {
    storage,
    revoked,
    issuer,
    placeOf,
    kindNamed: (name: string) => (name === kind.name ? kind : undefined),
    startProcess: (lease = leaseMs) => new Retirements(createSurroundings({ storage, clock }), lease),
    advance: (ms: number) => void (now += ms),
    async keep(user: string): Promise<void> {
      const { namespace, resource, alias } = placeOf(user);
      const value = { kind: kind.name, scopes: [], obtainedAtMs: now, credential: `token of ${user}` };
      await credentialsIn(createSurroundings({ storage }), namespace).put([resource, alias], value);
    },
  };
}

test('what an issuer has not confirmed is ended by another process, in whatever namespace, and then no more', async () => {
  const store = openStore();
  store.issuer.isAway = true;
  for (const user of ['alice', 'bob']) {
    await store.keep(user);
    const { revocation } = await store.startProcess().forget(store.placeOf(user), store.kindNamed);
    expect(revocation).toBe('unconfirmed');
  }
  store.issuer.isAway = false;
  const later = store.startProcess();
  await later.sweep(store.kindNamed);
  expect(store.revoked).toEqual([]);
  store.advance(leaseMs);
  await later.sweep(store.kindNamed);
  expect(new Set(store.revoked)).toEqual(new Set(['token of alice', 'token of bob']));
  await later.sweep(store.kindNamed);
  expect(store.revoked).toHaveLength(2);
});

test('one that cannot be read any more keeps no other from being ended', async () => {
  const store = openStore();
  store.issuer.isAway = true;
  for (const user of ['alice', 'bob']) {
    await store.keep(user);
    await store.startProcess().forget(store.placeOf(user), store.kindNamed);
  }
  const broken = storageOf(store.storage, store.placeOf('alice').namespace);
  const [record] = await broken.list(['retired']);
  await broken.commit([{ put: record!.key, value: new TextEncoder().encode('nonsense') }]);
  store.issuer.isAway = false;
  store.advance(leaseMs);
  await store.startProcess().sweep(store.kindNamed);
  expect(store.revoked).toEqual(['token of bob']);
});

test('an issuer’s answer ends it: nothing of it is kept but that it was forgotten', async () => {
  const store = openStore();
  await store.keep('alice');
  const place = store.placeOf('alice');
  expect(await store.startProcess().forget(place, store.kindNamed)).toEqual({ revocation: 'confirmed' });
  const left = await storageOf(store.storage, place.namespace).list([]);
  expect(left.map(({ key: [, ...path] }) => path)).toEqual([['forgotten', 'https://files.example', 'files']]);
  expect(await store.startProcess().forget(place, store.kindNamed)).toEqual({ revocation: 'nothing' });
});

test('a sweep goes on until all that was left behind is ended', async () => {
  const store = openStore();
  store.issuer.isAway = true;
  const users = Array.from({ length: 250 }, (_, index) => `user-${index}`);
  for (const user of users) {
    await store.keep(user);
    await store.startProcess().forget(store.placeOf(user), store.kindNamed);
  }
  store.issuer.isAway = false;
  store.advance(leaseMs);
  await store.startProcess().sweep(store.kindNamed);
  expect(new Set(store.revoked)).toEqual(new Set(users.map((user) => `token of ${user}`)));
  expect(store.revoked).toHaveLength(users.length);
});

test('a sweep whose issuer is slow ends with its time, and the next one goes on', async () => {
  const store = openStore();
  store.issuer.isAway = true;
  for (let index = 0; index < 60; index++) {
    await store.keep(`user-${index}`);
    await store.startProcess().forget(store.placeOf(`user-${index}`), store.kindNamed);
  }
  store.issuer.isAway = false;
  store.advance(leaseMs);
  // Each answer takes longer than the process has.
  store.issuer.answerMs = 20;
  const hurried = (): Retirements => store.startProcess(10);
  await hurried().sweep(store.kindNamed);
  expect(store.revoked).toHaveLength(20);
  for (let sweeps = 1; sweeps < 3; sweeps++) await hurried().sweep(store.kindNamed);
  expect(new Set(store.revoked).size).toBe(60);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createNamespace } from '../../namespace/namespace.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { createSurroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { credentialsIn, CredentialStore } from './credential-store.ts';
import { Renewals } from './renewals.ts';

const leaseMs = 30_000;
const place = {
  namespace: createNamespace('client', 'alice'),
  resource: 'https://files.example',
  alias: 'files',
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A store with one credential, processes that renew it, and an issuer that counts what it is sent. */
async function openStore({
  whileAsked = async () => {},
}: { whileAsked?: (store: CredentialStore) => Promise<unknown> } = {}) {
  const clock = (): number => 1_000_000 + performance.now();
  const memory = new MemoryBackend({ clock });
  const around = createSurroundings({ storage: memory });
  const sent: unknown[] = [];
  const kind: CredentialKind = {
    name: 'token',
    read: (stored) => stored,
    renew: async (stored) => {
      sent.push(stored);
      await whileAsked(new CredentialStore(around, place.namespace));
      return `after ${stored as string}`;
    },
  };
  await credentialsIn(around, place.namespace).put([place.resource, place.alias], {
    kind: kind.name,
    scopes: [],
    obtainedAtMs: clock(),
    credential: 'first',
  });
  const read = (await new CredentialStore(around, place.namespace).find(place))!;
  return {
    sent,
    /** @param afterGet called when the store has answered, before the process hears of it. */
    renew: async (
      afterGet: (key: readonly string[]) => Promise<void> | void = () => {},
    ): Promise<unknown> => {
      const storage: StorageBackend = {
        capabilities: memory.capabilities,
        get: async (key) => {
          const entry = await memory.get(key);
          await afterGet(key);
          return entry;
        },
        list: (prefix, page) => memory.list(prefix, page),
        commit: (changes) => memory.commit(changes),
        signal: (key) => memory.signal(key),
        listen: (key, listener) => memory.listen(key, listener),
        close: () => memory.close(),
      };
      const renewals = new Renewals(createSurroundings({ storage, clock }), leaseMs);
      const { stored } = await renewals.renew(place, read, kind, 'refused');
      return stored?.value.credential;
    },
  };
}

test.each([
  ['sealed anew', {}],
  ['marked as refused', { refused: true }],
])(
  'a credential that is %s while its issuer is asked is replaced all the same: its token is spent',
  async (_what, marks) => {
    const store = await openStore({
      whileAsked: async (records) => {
        const now = (await records.find(place))!;
        await records.replace(now, { ...now.value, ...marks });
      },
    });
    expect([await store.renew(), store.sent]).toEqual(['after first', ['first']]);
  },
);

test('a credential that another has taken the place of while its issuer is asked stays', async () => {
  const store = await openStore({
    whileAsked: async (records) => {
      const now = (await records.find(place))!;
      await records.replace(now, { ...now.value, credential: 'another', obtainedAtMs: 7 });
    },
  });
  expect(await store.renew()).toBe('another');
});

const isOfFailures = (key: readonly string[]): boolean => key.includes('renewal-failed');

test('a process that stood still while it looked does not send what another has renewed meanwhile', async () => {
  const store = await openStore();
  let isFrozen = false;
  const renewed = await store.renew(async (key) => {
    if (isFrozen || !isOfFailures(key)) return;
    isFrozen = true;
    vi.advanceTimersByTime(leaseMs + 1);
    expect(await store.renew()).toBe('after first');
  });
  expect([renewed, store.sent]).toEqual(['after first', ['first']]);
});

test('a process whose lease is half over when it has looked, looks again, and then renews', async () => {
  const store = await openStore();
  let looks = 0;
  const renewed = await store.renew((key) => {
    if (isOfFailures(key) && looks++ === 0) vi.advanceTimersByTime(leaseMs / 2 + 1);
  });
  expect([renewed, looks, store.sent]).toEqual(['after first', 2, ['first']]);
});

test('a store that takes half a lease to answer, each time, has nothing sent, and says so', async () => {
  const store = await openStore();
  const renewing = store.renew((key) => {
    if (isOfFailures(key)) vi.advanceTimersByTime(leaseMs / 2 + 1);
  });
  await expect(renewing).rejects.toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
  expect(store.sent).toEqual([]);
});

import { expect, test } from 'vitest';
import { createNamespace, MemoryBackend, type Namespace } from '../../src/index.ts';
import { Pendings } from '../../src/kernel.ts';
import { PendingManager } from '../../src/oob/index.ts';
import type { Pending } from '../../src/pending/pending.ts';
import { createSteppedClock } from '../support/stepped-clock.ts';

// Every row of the first table of docs/reference-systems.md.

interface DevicePayload {
  readonly verifyUrl: string;
  readonly userCode: string;
}

/** The `Store[T]` of the reference system, to the letter. */
interface Store<T> {
  put(namespace: string, spec: { kind: string; data: T }): Promise<Pending<T>>;
  get(id: string): Promise<[Pending<T> | undefined, boolean]>;
  complete(id: string): Promise<Pending<T>>;
  cancel(id: string): Promise<Pending<T>>;
  listNamespace(namespace: string): Promise<Pending<T>[]>;
  clearNamespace(namespace: string): Promise<string[]>;
}

/** As it is had of a manager, which names whose pendings it touches by the caller. */
function ofManager<T>(manager: PendingManager<T>): Store<T> {
  return {
    put: async (token, spec) => (await manager.create({ token }, spec)).pending,
    get: async (id) => {
      const found = await manager.find(id);
      return [found, found !== undefined];
    },
    complete: (id) => manager.complete(id),
    cancel: (id) => manager.cancel(id),
    listNamespace: (token) => manager.listNamespace({ token }),
    clearNamespace: (token) => manager.clearNamespace({ token }),
  };
}

/** As it is had of the kernel. */
function ofKernel<T>(pendings: Pendings<T>, namespaceOf: (name: string) => Namespace): Store<T> {
  const storeOf = async (id: string) => (await pendings.locate(id)) ?? pendings.in(namespaceOf('nobody'));
  return {
    put: (name, spec) => pendings.create(namespaceOf(name), spec),
    get: async (id) => {
      const found = await (await storeOf(id)).get(id);
      return [found, found !== undefined];
    },
    complete: async (id) => (await storeOf(id)).complete(id),
    cancel: async (id) => (await storeOf(id)).cancel(id),
    listNamespace: (name) => pendings.in(namespaceOf(name)).list(),
    clearNamespace: (name) => pendings.in(namespaceOf(name)).clear(),
  };
}

const namespaceOf = (name: string): Namespace => createNamespace('user', name);
const spec = { kind: 'device_code', data: { verifyUrl: 'https://code.example/device', userCode: 'WDJB' } };

const stores: Record<string, (backend: MemoryBackend, clock: () => number) => Store<DevicePayload>> = {
  'a manager': (storage, clock) =>
    ofManager(
      new PendingManager<DevicePayload>({
        storage,
        clock,
        namespaces: { resolve: async ({ token = '' }) => namespaceOf(token) },
        linkFor: (id) => `https://s.example/p/${id}`,
      }),
    ),
  'the kernel': (storage, clock) =>
    ofKernel(
      new Pendings<DevicePayload>({ storage, clock, linkFor: (id) => `https://s.example/p/${id}` }),
      namespaceOf,
    ),
};

test.each(Object.entries(stores))(
  'the store of %s does what the reference’s does, method by method',
  async (_, open) => {
    const time = createSteppedClock();
    const store = open(new MemoryBackend(time), time.clock);
    const alices = await store.put('alice', spec);
    const bobs = await store.put('bob', spec);
    expect([alices.namespace.id, alices.data?.userCode]).toEqual(['alice', 'WDJB']);
    expect(await store.get(alices.id)).toEqual([alices, true]);
    expect(await store.get('A'.repeat(32))).toEqual([undefined, false]);

    const completed = await store.complete(alices.id);
    expect([completed.namespace.id, completed.data, completed.status]).toEqual([
      'alice',
      spec.data,
      'completed',
    ]);
    await expect(store.complete(alices.id)).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_ALREADY_FINISHED',
    });
    await expect(store.complete('A'.repeat(32))).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_NOT_FOUND',
    });
    expect((await store.cancel(bobs.id)).status).toBe('cancelled');

    const late = await store.put('alice', spec);
    time.advance(11 * 60_000);
    expect((await store.get(late.id))[0]?.status).toBe('expired');
    const listed = await store.listNamespace('alice');
    expect(new Map(listed.map(({ id, status }) => [id, status]))).toEqual(
      new Map([
        [alices.id, 'completed'],
        [late.id, 'expired'],
      ]),
    );
    expect(await store.listNamespace('carol')).toEqual([]);
    expect((await store.clearNamespace('alice')).toSorted()).toEqual([alices.id, late.id].toSorted());
    expect([await store.listNamespace('alice'), (await store.listNamespace('bob')).length]).toEqual([[], 1]);
  },
);

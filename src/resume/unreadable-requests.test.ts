import { describe, expect, test } from 'vitest';
import { alice, createWorld, minutes, request, sweep } from '../../test/kernel/continuation-world.ts';
import type { Logger } from '../core/logger.ts';
import { createNamespace } from '../namespace/namespace.ts';
import { Pendings } from '../pending/pendings.ts';
import type { Key, StorageBackend } from '../storage/contract.ts';
import { encrypted } from '../storage/encrypted.ts';
import { createKeyring, type Keyring } from '../storage/keyring.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { Continuations } from './continuations.ts';

const encoder = new TextEncoder();

function listeningLogger(): { logger: Logger; errors: string[] } {
  const errors: string[] = [];
  const nothing = (): void => {};
  const error = (message: string, fields: object = {}): void =>
    void errors.push(`${message} ${JSON.stringify(fields)}`);
  return { errors, logger: { debug: nothing, info: nothing, warn: nothing, error } };
}

async function spoil(storage: StorageBackend, key: Key): Promise<void> {
  await storage.commit([{ put: key, value: encoder.encode('{"CNRY_') }]);
}

describe('a pointer of the workers’ list that cannot be read', () => {
  test('keeps no parked call of anybody from being resumed, and is said once', async () => {
    const world = createWorld();
    const { logger, errors } = listeningLogger();
    const process = world.process({ logger });
    const pending = await world.ask();
    await process.park(alice, request(pending));
    for (const list of ['waiting', 'ready']) {
      // Sorts before every id.
      await spoil(world.storage, ['resume', list, '!']);
    }
    await world.end(pending);
    await process.runDue(sweep);
    await process.runDue(sweep);
    expect(world.resumed).toHaveLength(1);
    expect(errors).toHaveLength(2);
    expect(errors.join()).toMatch(/(?=.*ERR_POSTERN_STORAGE_CORRUPT).*resume:waiting:%21/u);
    expect(errors.join()).not.toContain('CNRY');
  });

  test('of which a page is full keeps nothing behind it from being found', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    for (let index = 0; index < 150; index++) await spoil(world.storage, ['resume', 'waiting', `!${index}`]);
    await world.end(pending);
    await expect(process.runDue(sweep)).resolves.toBe(1);
  });
});

describe('a parked call that cannot be read', () => {
  test('is set aside for an hour, with one line of the log, while others run', async () => {
    const world = createWorld();
    const { logger, errors } = listeningLogger();
    const process = world.process({ logger });
    const pending = await world.ask();
    const { id: broken } = await process.park(alice, request(pending));
    await process.park(alice, request(pending));
    const entry = await world.storage.get([alice.partition, 'continuation', broken]);
    await spoil(world.storage, [alice.partition, 'continuation', broken]);
    await world.end(pending);
    await process.announce(alice, pending.id);
    for (let sweeps = 0; sweeps < 10; sweeps++) await process.runDue(sweep);
    expect(world.resumed).toHaveLength(1);
    expect(errors.filter((line) => line.includes('set aside, and looked at again'))).toHaveLength(1);
    expect(errors.join()).not.toContain('CNRY');
    // What was wrong is put right.
    await world.storage.commit([{ put: entry!.key, value: entry!.value }]);
    await process.runDue(sweep);
    expect(world.resumed).toHaveLength(1);
    world.advance(60 * minutes);
    await process.runDue(sweep);
    expect(world.resumed.map(({ idempotencyKey }) => idempotencyKey)).toContain(broken);
  });

  test('because its pending cannot be read, or its pointer names no namespace, is set aside likewise', async () => {
    const world = createWorld();
    const { logger, errors } = listeningLogger();
    const process = world.process({ logger });
    const [broken, other] = [await world.ask(), await world.ask()];
    await process.park(alice, request(broken));
    await process.park(alice, request(other));
    const entries = await world.storage.list([alice.partition, 'pending']);
    const its = entries.find(({ value }) => new TextDecoder().decode(value).includes(broken.id));
    await spoil(world.storage, its!.key);
    const nowhere = { partition: 'a:b:c', dueAtMs: 0, sinceMs: 0 };
    await world.storage.commit([
      { put: ['resume', 'ready', 'nowhere'], value: encoder.encode(JSON.stringify(nowhere)) },
    ]);
    await world.end(other);
    for (let sweeps = 0; sweeps < 5; sweeps++) await process.runDue(sweep);
    expect(world.resumed).toHaveLength(1);
    expect(errors).toHaveLength(2);
  });
});

test('a key that is gone sets aside what it sealed, and parked calls under another go on', async () => {
  const store = new MemoryBackend();
  const [old, next] = [
    { id: 'old', key: new Uint8Array(32).fill(1) },
    { id: 'next', key: new Uint8Array(32).fill(2) },
  ];
  const { logger, errors } = listeningLogger();
  const heard: string[] = [];
  const open = (keyring: Keyring): { pendings: Pendings; continuations: Continuations } => {
    const storage = encrypted(store, keyring);
    const continuations = new Continuations({ storage, logger });
    continuations.register('answer', {
      resume: async ({ namespace }) => void heard.push(namespace.id),
    });
    return {
      continuations,
      pendings: new Pendings({ storage, logger, linkFor: (id) => `https://a.example/${id}` }),
    };
  };
  const park = async ({ pendings, continuations }: ReturnType<typeof open>, user: string): Promise<void> => {
    const namespace = createNamespace('client', user);
    const pending = await pendings.create(namespace, { kind: 'test', data: null });
    await continuations.park(namespace, request(pending));
    await pendings.in(namespace).complete(pending.id);
  };
  await park(open(createKeyring([old])), 'alice');
  const now = open(createKeyring([next]));
  await park(now, 'bob');
  await now.continuations.runDue(sweep);
  await now.continuations.runDue(sweep);
  expect(heard).toEqual(['bob']);
  expect(errors.join('\n')).toMatch(/(?=.*ERR_POSTERN_STORAGE_KEY_UNAVAILABLE).*resume:waiting:/u);
  await expect(now.pendings.in(createNamespace('client', 'alice')).list()).resolves.toEqual([]);
});

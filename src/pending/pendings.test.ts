import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TardyBackend } from '../../test/kernel/tardy-backend.ts';
import type { PosternError } from '../core/postern-error.ts';
import { createNamespace, type Namespace } from '../namespace/namespace.ts';
import { encrypted } from '../storage/encrypted.ts';
import { createKeyring } from '../storage/keyring.ts';
import type { Change, StorageBackend } from '../storage/contract.ts';
import { formatKey } from '../storage/keys.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { Pendings, type PendingsOptions } from './pendings.ts';

interface Data {
  readonly userCode: string;
}

const alice = createNamespace('client', 'alice');
const bob = createNamespace('client', 'bob');
const slot = ['calendar', 'sign-in'];
const minutes = 60_000;
const spec = { kind: 'device_code', resource: 'code.example', data: { userCode: 'WDJB' } };

/** The manager and its store share a clock that only the test moves. */
function setUp(backend?: (clock: () => number) => StorageBackend): {
  pendings: Pendings<Data>;
  another: Pendings<Data>;
  storage: StorageBackend;
  advance: (ms: number) => void;
  now: () => number;
} {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const storage = backend?.(clock) ?? new MemoryBackend({ clock });
  const make = (): Pendings<Data> =>
    new Pendings<Data>({ storage, clock, linkFor: (id) => `https://bot.example/connect/${id}` });
  return { pendings: make(), another: make(), storage, advance: (ms) => void (nowMs += ms), now: clock };
}

afterEach(() => void vi.useRealTimers());

/** Until so many who wait have read the store, found nothing, and gone to sleep. */
async function allHaveLooked(storage: StorageBackend, count: number): Promise<void> {
  await vi.waitFor(() => expect((storage as TardyBackend).answers).toBeGreaterThanOrEqual(count), {
    timeout: 5_000,
  });
  await new Promise((resolve) => setImmediate(resolve));
}

describe('new Pendings', () => {
  test.each([[{}], [undefined], [{ storage: new MemoryBackend() }], [{ linkFor: (id: string) => id }]])(
    'refuses to be made from %o',
    (options) => {
      expect(() => new Pendings(options as PendingsOptions)).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
      );
    },
  );
});

describe('create', () => {
  test('names the elicitation that announces it by the id that it gets', async () => {
    const { pendings, another } = setUp();
    const created = await pendings.create(alice, { ...spec, elicitId: (id) => `elicit ${id}` });
    expect(created.elicitId).toBe(`elicit ${created.id}`);
    await expect(another.in(alice).get(created.id)).resolves.toEqual(created);
  });

  test('writes a pending that anybody in its namespace can read back, with a link made from its id', async () => {
    const { pendings, another, now } = setUp();
    const created = await pendings.create(alice, { ...spec, alias: 'work', elicitId: 'e1' });
    expect(created).toMatchObject({
      ...spec,
      alias: 'work',
      elicitId: 'e1',
      namespace: alice,
      initiator: 'alice',
      status: 'pending',
      createdAtMs: now(),
      expiresAtMs: now() + 10 * minutes,
      url: `https://bot.example/connect/${created.id}`,
    });
    await expect(another.in(alice).get(created.id)).resolves.toEqual(created);
  });

  test('gives each pending an id of at least 128 random bits', async () => {
    const { pendings } = setUp();
    const ids = await Promise.all(
      Array.from({ length: 100 }, async () => (await pendings.create(alice, spec)).id),
    );
    expect(new Set(ids).size).toBe(100);
    expect(Math.min(...ids.map((id) => Buffer.from(id, 'base64url').length))).toBeGreaterThanOrEqual(16);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a life of %s ms', async (ttlMs) => {
    const { pendings } = setUp();
    await expect(pendings.create(alice, { ...spec, ttlMs })).rejects.toThrow(TypeError);
  });

  test.each<[string, unknown]>([
    ['empty', ''],
    ['the text of an absent claim', String(undefined)],
    ['the text of null', 'null'],
    ['the text of no number', 'NaN'],
    ['the text of an object', '[object Object]'],
    ['not a string', 7],
    ['null', null],
    ['half a character', 'alice\uD800'],
    ['longer than an id may be', 'x'.repeat(301)],
  ])('refuses an initiator that is %s, and writes nothing', async (_, initiator) => {
    const { pendings, storage } = setUp();
    const bad = { ...spec, initiator: initiator as string };
    const refused = { code: 'ERR_POSTERN_NAMESPACE_INVALID' };
    await expect(pendings.create(alice, bad)).rejects.toMatchObject(refused);
    await expect(pendings.createOnce(alice, slot, async () => bad)).rejects.toMatchObject(refused);
    await expect(storage.list([alice.partition])).resolves.toEqual([]);
  });

  test('keeps an initiator letter by letter: nothing is trimmed, folded or composed', async () => {
    const { pendings } = setUp();
    for (const initiator of [' Alice ', 'ALICE', 'e\u0301', '\u00E9']) {
      const { id } = await pendings.create(alice, { ...spec, initiator });
      await expect(pendings.in(alice).get(id)).resolves.toHaveProperty('initiator', initiator);
    }
  });

  test('shows no link before the pending is durable: a store that is down fails it, and nothing is kept in memory', async () => {
    const links: string[] = [];
    const storage = new MemoryBackend();
    const pendings = new Pendings({
      storage,
      linkFor: (id) => `https://bot.example/${links.push(id)}`,
    });
    await storage.close();
    await expect(pendings.create(alice, spec)).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    });
    await expect(pendings.findLive(alice, slot)).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    });
  });

  test('takes its namespace from its first argument, whatever the spec says', async () => {
    const { pendings } = setUp();
    const forged = {
      ...spec,
      namespace: bob,
      id: 'chosen',
      status: 'completed',
      url: 'https://evil.example',
    };
    const created = await pendings.create(alice, forged);
    expect(created.namespace).toEqual(alice);
    expect(created.id).not.toBe('chosen');
    const found = await pendings.in(alice).get(created.id);
    expect(found).toMatchObject({
      namespace: alice,
      id: created.id,
      status: 'pending',
      url: `https://bot.example/connect/${created.id}`,
    });
  });
});

describe('createOnce', () => {
  test('gives 100 who ask at once one pending and one link, over two managers', async () => {
    const { pendings, another } = setUp((clock) => new TardyBackend({ clock }));
    const asked = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? pendings : another).createOnce(alice, slot, async () => spec),
      ),
    );
    expect(new Set(asked.map(({ pending }) => pending.url)).size).toBe(1);
    expect(asked.filter(({ created }) => created)).toHaveLength(1);
    await expect(pendings.in(alice).list()).resolves.toHaveLength(1);
  });

  test('does not ask for a spec while one lives', async () => {
    const { pendings } = setUp();
    await pendings.createOnce(alice, slot, async () => spec);
    let asked = 0;
    await pendings.createOnce(alice, slot, async () => {
      asked++;
      return spec;
    });
    expect(asked).toBe(0);
  });

  test.each(['completed', 'cancelled'] as const)('makes a new one after the last was %s', async (status) => {
    const { pendings } = setUp();
    const { pending: first } = await pendings.createOnce(alice, slot, async () => spec);
    await pendings.in(alice).end(first.id, { status });
    const { pending: second, created } = await pendings.createOnce(alice, slot, async () => spec);
    expect(created).toBe(true);
    expect(second.id).not.toBe(first.id);
  });

  test('makes a new one after the last has expired, and not before', async () => {
    const { pendings, advance } = setUp();
    const { pending: first } = await pendings.createOnce(alice, slot, async () => spec);
    advance(10 * minutes - 1);
    const again = await pendings.createOnce(alice, slot, async () => spec);
    expect(again).toMatchObject({
      created: false,
      pending: { id: first.id, expiresAtMs: first.expiresAtMs },
    });
    advance(1);
    const { created } = await pendings.createOnce(alice, slot, async () => spec);
    expect(created).toBe(true);
  });

  test('makes a new one after the namespace was cleared', async () => {
    const { pendings } = setUp();
    await pendings.createOnce(alice, slot, async () => spec);
    await pendings.in(alice).clear();
    await expect(pendings.createOnce(alice, slot, async () => spec)).resolves.toMatchObject({
      created: true,
    });
  });

  test.each([
    ['pending', 1],
    ['slot', 1],
    ['pending', 2],
    ['slot', 2],
  ])(
    'makes one new one for 20 who ask when the %s cannot be read, for whatever reason (%#)',
    async (spoilt, reason) => {
      const store = new MemoryBackend();
      const open = (key: number): Pendings<Data> =>
        new Pendings<Data>({
          storage: encrypted(store, createKeyring([{ id: `k${key}`, key: new Uint8Array(32).fill(key) }])),
          linkFor: (id) => id,
        });
      // Sealed with another key, or no seal at all.
      const { pending } = await open(reason).createOnce(alice, slot, async () => spec);
      if (reason === 1) {
        const [entry] = await store.list([alice.partition, spoilt]);
        await store.commit([{ put: entry!.key, value: new Uint8Array(3) }]);
      }
      const pendings = open(1);
      await expect(pendings.findLive(alice, slot)).resolves.toBeUndefined();
      const asked = await Promise.all(
        Array.from({ length: 20 }, () => pendings.createOnce(alice, slot, async () => spec)),
      );
      expect(asked.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(asked.map((each) => each.pending.id))).toHaveProperty('size', 1);
      expect(asked[0]!.pending.id).not.toBe(pending.id);
    },
  );

  test('keeps slots and namespaces apart', async () => {
    const { pendings } = setUp();
    const made = await Promise.all([
      pendings.createOnce(alice, slot, async () => spec),
      pendings.createOnce(alice, ['calendar', 'sign-in', 'more'], async () => spec),
      pendings.createOnce(alice, ['calendar:sign-in'], async () => spec),
      pendings.createOnce(bob, slot, async () => spec),
    ]);
    expect(new Set(made.map(({ pending }) => pending.id)).size).toBe(4);
  });

  test('leaves nothing behind when the spec cannot be made', async () => {
    const { pendings } = setUp();
    const failing = pendings.createOnce(alice, slot, () => Promise.reject(new Error('no registration')));
    await expect(failing).rejects.toThrow('no registration');
    await expect(pendings.in(alice).list()).resolves.toEqual([]);
    await expect(pendings.findLive(alice, slot)).resolves.toBeUndefined();
  });
});

describe('findLive', () => {
  test('finds the pending of a slot while it lives, and changes nothing', async () => {
    const { pendings, advance } = setUp();
    await expect(pendings.findLive(alice, slot)).resolves.toBeUndefined();
    const { pending } = await pendings.createOnce(alice, slot, async () => spec);
    await expect(pendings.findLive(alice, slot)).resolves.toEqual(pending);
    await expect(pendings.findLive(bob, slot)).resolves.toBeUndefined();
    advance(10 * minutes);
    await expect(pendings.findLive(alice, slot)).resolves.toBeUndefined();
  });
});

describe('locate', () => {
  test('leads from an id to its namespace, for a day after the time of the pending', async () => {
    const { pendings, another, advance } = setUp();
    const { id } = await pendings.create(alice, spec);
    const store = await another.locate(id);
    expect(store?.namespace).toEqual(alice);
    advance(10 * minutes);
    await expect(store!.get(id)).resolves.toMatchObject({ status: 'expired' });
    advance(24 * 60 * minutes - 1);
    await expect(another.locate(id)).resolves.toMatchObject({ namespace: alice });
    advance(1);
    await expect(another.locate(id)).resolves.toBeUndefined();
  });

  test.each([
    '',
    'unknown',
    '*',
    '..',
    '%',
    '{tag}',
    '__proto__',
    'a:b',
    'a\u0000b',
    '\uD800',
    'x'.repeat(100_000),
  ])('finds nothing for the hostile id %j, and neither does a read or an end', async (id) => {
    const { pendings } = setUp();
    const { id: real } = await pendings.create(alice, spec);
    await expect(pendings.locate(id)).resolves.toBeUndefined();
    await expect(pendings.in(alice).get(id)).resolves.toBeUndefined();
    await expect(pendings.in(alice).complete(id)).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_NOT_FOUND',
    });
    await expect(pendings.in(alice).get(real)).resolves.toMatchObject({ status: 'pending' });
  });
});

describe('waitFor', () => {
  test.each([
    [{ status: 'completed' }, undefined],
    [{ status: 'cancelled', failure: 'ERR_POSTERN_AUTH_DENIED' }, 'ERR_POSTERN_AUTH_DENIED'],
    [{ status: 'failed', failure: 'ERR_POSTERN_OAUTH_UNREACHABLE' }, 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  ] as const)('tells 1,000 waiters of two managers the same end: %o', async (outcome, failure) => {
    const { pendings, another, storage } = setUp((clock) => new TardyBackend({ clock }));
    const pending = await pendings.create(alice, spec);
    const waits = Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        (index % 2 === 0 ? pendings : another).waitFor(pending, { timeoutMs: 30_000, pollMs: 30_000 }),
      ),
    );
    await allHaveLooked(storage, 1_000);
    await another.in(alice).end(pending.id, outcome);
    const ended = await waits;
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set([outcome.status]));
    expect(new Set(ended.map((end) => end.failure))).toEqual(new Set([failure]));
    expect(ended[0]).not.toHaveProperty('data.userCode');
  });

  test('says expired once time has ended the pending, and shows no data of it', async () => {
    const { pendings, advance } = setUp();
    const pending = await pendings.create(alice, { ...spec, ttlMs: 40 });
    const wait = pendings.waitFor(pending, { timeoutMs: 60_000, pollMs: 10 });
    advance(40);
    await expect(wait).resolves.toMatchObject({ id: pending.id, status: 'expired', data: undefined });
  });

  test('says expired when the namespace is cleared, without waiting for a poll', async () => {
    const { pendings, storage } = setUp((clock) => new TardyBackend({ clock }));
    const pending = await pendings.create(alice, spec);
    const wait = pendings.waitFor(pending, { timeoutMs: 60_000, pollMs: 60_000 });
    await allHaveLooked(storage, 1);
    await expect(pendings.in(alice).clear()).resolves.toEqual([pending.id]);
    await expect(wait).resolves.toMatchObject({ status: 'expired' });
  });

  test('throws WAIT_TIMEOUT when its own time is over, and the pending can still be finished', async () => {
    const { pendings } = setUp();
    const pending = await pendings.create(alice, spec);
    const error = await pendings
      .waitFor(pending, { timeoutMs: 20 })
      .catch((reason: unknown) => reason as PosternError);
    expect(error).toMatchObject({ code: 'ERR_POSTERN_PENDING_WAIT_TIMEOUT', facts: { retry: true } });
    await expect(pendings.in(alice).complete(pending.id)).resolves.toMatchObject({ status: 'completed' });
  });

  test('waits its full time although the clock of its process says that the pending has expired', async () => {
    const storage = new MemoryBackend();
    const make = (clock: () => number): Pendings<Data> =>
      new Pendings<Data>({ storage, clock, linkFor: (id) => id });
    const pending = await make(Date.now).create(alice, spec);
    const ahead = make(() => Date.now() + 60 * minutes);
    await expect(ahead.in(alice).get(pending.id)).resolves.toMatchObject({ status: 'pending' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const startedAt = performance.now();
    let endedAt: number | undefined;
    const wait = ahead.waitFor(pending, { timeoutMs: 2_000, pollMs: 2_000 }).catch((error: unknown) => {
      endedAt = performance.now();
      return error;
    });
    while (endedAt === undefined) {
      await vi.advanceTimersByTimeAsync(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(wait).resolves.toMatchObject({ code: 'ERR_POSTERN_PENDING_WAIT_TIMEOUT' });
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(2_000);
  });

  test('throws the reason of its signal', async () => {
    const { pendings } = setUp();
    const pending = await pendings.create(alice, spec);
    const wait = pendings.waitFor(pending, { timeoutMs: 60_000, signal: AbortSignal.abort('left') });
    await expect(wait).rejects.toBe('left');
  });
});

describe('at rest', () => {
  /** What is really in the store below the encryption. */
  class SpiedBackend extends MemoryBackend {
    readonly seen: string[] = [];

    override commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
      for (const change of changes) {
        const key = 'put' in change ? change.put : change.delete;
        this.seen.push(
          formatKey(key),
          ...key,
          'put' in change ? new TextDecoder('latin1').decode(change.value) : '',
        );
      }
      return super.commit(changes);
    }

    override signal(channel: string): Promise<void> {
      this.seen.push(channel);
      return super.signal(channel);
    }
  }

  test('neither id, link nor data is legible: the id appears as its SHA-256 alone', async () => {
    const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(7) }]);
    let spied: SpiedBackend | undefined;
    const { pendings } = setUp((clock) => encrypted((spied = new SpiedBackend({ clock })), keyring));
    const canary = 'CNRY_user_code';
    const { pending } = await pendings.createOnce(alice, slot, async () => ({
      ...spec,
      data: { userCode: canary },
    }));
    await pendings.in(alice).updateData(pending, { userCode: `${canary}2` });
    await pendings.in(alice).complete(pending.id);
    const dump = spied!.seen.join('\n');
    const hash = createHash('sha256').update(pending.id).digest('base64url');
    expect(dump).toContain(hash);
    expect([pending.id, canary, 'bot.example', pending.url].filter((text) => dump.includes(text))).toEqual(
      [],
    );
    await expect(pendings.in(alice).get(pending.id)).resolves.toMatchObject({
      url: pending.url,
      status: 'completed',
    });
  });
});

describe('namespaces', () => {
  test('cannot read, change, end, list, clear or wake one another’s pendings, although the ids are known', async () => {
    const { pendings } = setUp();
    const hers = await pendings.create(alice, spec);
    const his = await pendings.create(bob, spec);
    const store = pendings.in(bob);
    await expect(store.get(hers.id)).resolves.toBeUndefined();
    await expect(store.updateData(hers, { userCode: 'stolen' })).resolves.toBeUndefined();
    // The same answer as for an id that nobody has.
    const unknown = await store.complete('nobody’s').catch((error: unknown) => error as PosternError);
    expect(unknown).toMatchObject({ code: 'ERR_POSTERN_PENDING_NOT_FOUND' });
    await expect(store.complete(hers.id)).rejects.toEqual(unknown);
    await expect(store.cancel(hers.id)).rejects.toEqual(unknown);
    await expect(store.list()).resolves.toEqual([his]);
    await store.signal(hers.id);
    await expect(store.clear()).resolves.toEqual([his.id]);
    await expect(pendings.in(alice).get(hers.id)).resolves.toEqual(hers);
  });

  test('a waiter that follows a pending into another namespace by a forged descriptor sees it expired', async () => {
    const { pendings } = setUp();
    const hers = await pendings.create(alice, spec);
    const forged: { namespace: Namespace } = { namespace: bob };
    const seen = await pendings.waitFor({ ...hers, ...forged }, { timeoutMs: 20 });
    expect(seen.status).toBe('expired');
  });
});

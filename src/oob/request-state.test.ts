import { describe, expect, test } from 'vitest';
import { createNamespace } from '../namespace/namespace.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { hashArguments, RequestStates, type RequestState } from './request-state.ts';

const alice = createNamespace('user', 'alice');
const bob = createNamespace('user', 'bob');
const startMs = 1_000_000;
const state: RequestState = {
  tool: 'run_query',
  arguments: 'hash',
  asked: [{ id: 'pending-1', accepted: false }],
  nonce: 'nonce-1',
  expiresAtMs: startMs + 60_000,
};
const invalid = { code: 'ERR_POSTERN_OOB_STATE_INVALID', message: 'Invalid or expired requestState' };

function open() {
  let nowMs = startMs;
  const clock = () => nowMs;
  const now = async () => nowMs;
  const storage = new MemoryBackend({ clock });
  return {
    storage,
    now,
    states: new RequestStates({ onUnreadable: () => {}, storage, now }),
    advance: (ms: number) => void (nowMs += ms),
  };
}

describe('a sealed request state', () => {
  test('opens for the namespace it was sealed for, in any process on the store', async () => {
    const { storage, now, states } = open();
    const text = await states.seal(alice, state);
    expect(await new RequestStates({ onUnreadable: () => {}, storage, now }).open(alice, text)).toEqual(
      state,
    );
  });

  test('opens for no other namespace', async () => {
    const { states } = open();
    await expect(states.open(bob, await states.seal(alice, state))).rejects.toMatchObject(invalid);
  });

  test('opens on no other store', async () => {
    const text = await open().states.seal(alice, state);
    await expect(open().states.open(alice, text)).rejects.toMatchObject(invalid);
  });

  test('opens up to its expiry and not at it', async () => {
    const { states, advance } = open();
    const text = await states.seal(alice, state);
    advance(59_999);
    expect(await states.open(alice, text)).toEqual(state);
    advance(1);
    await expect(states.open(alice, text)).rejects.toMatchObject(invalid);
  });

  test('is never the same text twice', async () => {
    const { states } = open();
    const texts = await Promise.all(Array.from({ length: 50 }, () => states.seal(alice, state)));
    expect(new Set(texts).size).toBe(50);
  });

  test('is refused with any one bit of it flipped', async () => {
    const { states } = open();
    const bytes = Buffer.from(await states.seal(alice, state), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(states.open(alice, flipped.toString('base64url'))).rejects.toMatchObject(invalid);
    }
  });

  test('is refused when it is too long to be one, and before it is decoded', async () => {
    const { states } = open();
    await expect(states.open(alice, 'A'.repeat(50_000_000))).rejects.toMatchObject(invalid);
  });

  test('holds twenty pendings', async () => {
    const { states } = open();
    const asked = Array.from({ length: 20 }, (_, at) => ({ id: `${at}`.padStart(32, 'x'), accepted: true }));
    const long = { ...state, tool: 't'.repeat(128), asked };
    expect(await states.open(alice, await states.seal(alice, long))).toEqual(long);
  });
});

describe('the key', () => {
  test('is the same for processes that start together', async () => {
    const { storage, now } = open();
    const fleet = Array.from(
      { length: 20 },
      () => new RequestStates({ onUnreadable: () => {}, storage, now }),
    );
    const texts = await Promise.all(fleet.map((states) => states.seal(alice, state)));
    for (const text of texts) expect(await fleet[0]?.open(alice, text)).toEqual(state);
  });

  test('is read again after the store has failed', async () => {
    const { storage, states } = open();
    const get = storage.get.bind(storage);
    storage.get = () => Promise.reject(new Error('down'));
    await expect(states.seal(alice, state)).rejects.toThrow('down');
    storage.get = get;
    expect(await states.open(alice, await states.seal(alice, state))).toEqual(state);
  });
});

describe('the one use of a request state', () => {
  test('is given to one of a hundred', async () => {
    const { storage, now } = open();
    const [one, other] = [
      new RequestStates({ onUnreadable: () => {}, storage, now }),
      new RequestStates({ onUnreadable: () => {}, storage, now }),
    ];
    const uses = Array.from({ length: 50 }, () => [one.use(alice, state), other.use(alice, state)]).flat();
    expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1);
    expect(await one.isUsed(alice, state)).toBe(true);
  });

  test('is remembered for longer than any state of its nonce is good', async () => {
    const { states, advance } = open();
    await states.use(alice, state);
    advance(60_000 + 59 * 60_000);
    expect(await states.use(alice, state)).toBe(false);
  });

  test('in one namespace is not that in another', async () => {
    const { states } = open();
    expect(await states.use(alice, state)).toBe(true);
    expect(await states.isUsed(bob, state)).toBe(false);
  });
});

describe('the hash of arguments', () => {
  test.each([
    [
      { a: 1, b: { c: [1, 2], d: 'x' } },
      { b: { d: 'x', c: [1, 2] }, a: 1 },
    ],
    [{ a: undefined }, {}],
    [
      { ['__proto__']: 1, a: 2 },
      { a: 2, ['__proto__']: 1 },
    ],
  ])('is the same whatever the order of fields: %j', async (one, other) => {
    expect(await hashArguments(one)).toBe(await hashArguments(other));
  });

  test.each([
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: 1 }, { a: '1' }],
    [{ a: { b: 1 } }, { 'a.b': 1 }],
    [{ a: null }, {}],
    [{ a: 1n }, { a: 1 }],
    [{ ['__proto__']: 1 }, {}],
    [{}, []],
    [{ a: '\u{1F600}' }, { a: '\ud83d' }],
  ])('differs: %o and %o', async (one, other) => {
    expect(await hashArguments(one)).not.toBe(await hashArguments(other));
  });
});

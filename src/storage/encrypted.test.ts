import { describe, expect, test } from 'vitest';
import type { Change, Entry, Key } from './contract.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring, keyringFromFunction, type Keyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';

const encoder = new TextEncoder();
const k1 = { id: 'key-1', key: new Uint8Array(32).fill(1) };
const k2 = { id: 'key-2', key: new Uint8Array(32).fill(2) };
const place: Key = ['alice', 'grant', 'slack'];
const canary = 'CNRY_alice_5f2c9a';

const tampered = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_TAMPERED' });
const keyUnavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE' });
const unavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });

async function sealedAt(
  keyring: Keyring,
  key: Key = place,
  text = canary,
): Promise<{ raw: MemoryBackend; value: Uint8Array }> {
  const raw = new MemoryBackend();
  await encrypted(raw, keyring).commit([{ put: key, value: encoder.encode(text) }]);
  return { raw, value: (await raw.get(key))!.value };
}

/** What reading says once the stored bytes are these. */
async function readBack(keyring: Keyring, value: Uint8Array, key: Key = place): Promise<Entry | undefined> {
  const raw = new MemoryBackend();
  await raw.commit([{ put: key, value }]);
  return encrypted(raw, keyring).get(key);
}

const ring = createKeyring([k1]);

describe('encrypted', () => {
  test('a value that was not changed opens', async () => {
    const { value } = await sealedAt(ring);
    expect((await readBack(ring, value))?.value).toEqual(encoder.encode(canary));
  });

  test('a value with any one bit flipped, anywhere, is tampered with', async () => {
    const { value } = await sealedAt(ring);
    for (let at = 0; at < value.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = value.slice();
        changed[at]! ^= 1 << bit;
        await expect(readBack(ring, changed), `byte ${at}, bit ${bit}`).rejects.toEqual(tampered);
      }
      const inverted = value.slice();
      inverted[at]! ^= 0xff;
      await expect(readBack(ring, inverted), `byte ${at}`).rejects.toEqual(tampered);
    }
  });

  test('a value cut short by any length, or with a byte more, is tampered with', async () => {
    const { value } = await sealedAt(ring);
    for (let length = 0; length < value.length; length++) {
      await expect(readBack(ring, value.slice(0, length)), `${length} bytes`).rejects.toEqual(tampered);
    }
    await expect(readBack(ring, Uint8Array.of(...value, 0))).rejects.toEqual(tampered);
    await expect(readBack(ring, encoder.encode('{"stored":"in the clear"}'))).rejects.toEqual(tampered);
  });

  test('an empty value is sealed too, and its tag cannot be shortened to four bytes', async () => {
    const { value } = await sealedAt(ring, place, '');
    expect((await readBack(ring, value))?.value).toEqual(new Uint8Array(0));
    await expect(readBack(ring, value.slice(0, -12))).rejects.toEqual(tampered);
  });

  test.each<{ elsewhere: Key }>([
    { elsewhere: ['alice', 'grant', 'github'] },
    { elsewhere: ['mallory', 'grant', 'slack'] },
    { elsewhere: ['alice', 'grant:slack'] },
    { elsewhere: ['alice:grant', 'slack'] },
    { elsewhere: ['alicegrant', 'slack'] },
    { elsewhere: ['alice', 'grant', 'slack', 'x'] },
  ])('a row copied to another place (%#) does not open there', async ({ elsewhere }) => {
    const { value } = await sealedAt(ring);
    await expect(readBack(ring, value, elsewhere)).rejects.toEqual(tampered);
  });

  test('a tampered entry stands in a listing as unreadable, beside the others, and is left where it is', async () => {
    const { raw, value } = await sealedAt(ring);
    const store = encrypted(raw, ring);
    await store.commit([{ put: ['alice', 'grant', 'other'], value: encoder.encode('fine') }]);
    expect(await store.list(['alice'])).toHaveLength(2);
    value[value.length - 1]! ^= 1;
    await raw.commit([{ put: place, value }]);
    const listed = await store.list(['alice']);
    expect(listed.map(({ key, value: opened, unreadable }) => [key.at(-1), opened, unreadable])).toEqual([
      ['other', encoder.encode('fine'), undefined],
      ['slack', new Uint8Array(0), tampered],
    ]);
    await expect(store.get(place)).rejects.toEqual(tampered);
    expect((await raw.get(place))?.value).toEqual(value);
  });

  test('an entry that the store lists from another place is tampered with', async () => {
    const { raw } = await sealedAt(ring);
    raw.list = async () => [(await raw.get(place))!];
    const store = encrypted(raw, ring);
    await expect(store.list(['mallory'])).rejects.toEqual(tampered);
    await expect(store.list(['alice', 'pending'])).rejects.toEqual(tampered);
  });

  test('the newest key seals and every key opens, so that rotation interrupts nobody', async () => {
    const raw = new MemoryBackend();
    const before = encrypted(raw, createKeyring([k1]));
    const during = encrypted(raw, createKeyring([k2, k1]));
    await before.commit([{ put: ['p', 'old'], value: encoder.encode('old') }]);
    await during.commit([{ put: ['p', 'new'], value: encoder.encode('new') }]);
    expect((await during.get(['p', 'old']))?.value).toEqual(encoder.encode('old'));
    expect((await during.get(['p', 'new']))?.value).toEqual(encoder.encode('new'));
    const after = encrypted(raw, createKeyring([k2]));
    expect((await after.get(['p', 'new']))?.value).toEqual(encoder.encode('new'));
    await expect(after.get(['p', 'old'])).rejects.toEqual(keyUnavailable);
    expect((await after.list(['p'])).map(({ unreadable }) => unreadable)).toEqual([
      undefined,
      keyUnavailable,
    ]);
    await expect(before.get(['p', 'new'])).rejects.toEqual(keyUnavailable);
  });

  test('rotation under load fails nobody', async () => {
    const raw = new MemoryBackend();
    const stores = [createKeyring([k1]), createKeyring([k1, k2]), createKeyring([k2, k1])].map((keyring) =>
      encrypted(raw, keyring),
    );
    // First every process learns the new key, then every process seals with it: two neighbouring steps at a time.
    for (const [older, newer] of [
      [0, 1],
      [1, 2],
    ] as const) {
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const key: Key = ['p', `${index}`];
          const [writer, reader] = index % 2 ? [older, newer] : [newer, older];
          await stores[writer]!.commit([{ put: key, value: encoder.encode(`${index}`) }]);
          expect((await stores[reader]!.get(key))?.value).toEqual(encoder.encode(`${index}`));
        }),
      );
    }
  });

  test('another key under the same id does not open', async () => {
    const { value } = await sealedAt(ring);
    const imposter = createKeyring([{ id: 'key-1', key: new Uint8Array(32).fill(9) }]);
    await expect(readBack(imposter, value)).rejects.toEqual(tampered);
  });

  test('a keyring that does not answer makes the store unavailable, not the value missing', async () => {
    const { raw } = await sealedAt(ring);
    const store = encrypted(
      raw,
      keyringFromFunction(() => Promise.reject(new Error('down'))),
    );
    await expect(store.get(place)).rejects.toEqual(unavailable);
    await expect(store.commit([{ put: place, value: encoder.encode('x') }])).rejects.toEqual(unavailable);
    expect(await store.commit([{ delete: place }])).toEqual(['']);
  });

  test('nothing of a value is in what the store holds', async () => {
    const { value } = await sealedAt(ring);
    const text = new TextDecoder('latin1').decode(value);
    for (const form of [canary, canary.slice(5), btoa(canary).slice(0, 12)]) expect(text).not.toContain(form);
  });

  test('the same value in the same place is sealed differently each time', async () => {
    const seen = new Set<string>();
    const raw = new MemoryBackend();
    const store = encrypted(raw, ring);
    for (let turn = 0; turn < 1_000; turn++) {
      await store.commit([{ put: place, value: encoder.encode(canary) }]);
      // The nonce: behind version, length, id and check.
      seen.add((await raw.get(place))!.value.slice(2 + 5 + 4, 2 + 5 + 4 + 12).join());
    }
    expect(seen.size).toBe(1_000);
  });

  test('a value of the largest size fits even under the longest key id', async () => {
    const store = encrypted(new MemoryBackend(), createKeyring([{ ...k1, id: 'k'.repeat(64) }]));
    const changes: Change[] = [{ put: place, value: new Uint8Array(store.capabilities.maxValueBytes) }];
    expect(await store.commit(changes)).toHaveLength(1);
    expect(store.capabilities.atRest).toBe('sealed');
  });
});

describe('a key that is changed while processes run', () => {
  /** The keyrings of one rollout after the other, as a deployment's processes have them. */
  const steps = { before: [k1], added: [k1, k2], moved: [k2, k1], after: [k2] } as const;
  const reads = async (writer: keyof typeof steps, reader: keyof typeof steps): Promise<boolean> => {
    const { value } = await sealedAt(createKeyring(steps[writer]));
    return readBack(createKeyring(steps[reader]), value).then(
      () => true,
      () => false,
    );
  };

  test.each([
    ['before', 'added'],
    ['added', 'moved'],
  ] as const)(
    'added behind, then moved to the front: “%s” and “%s” open what each other seals',
    async (one, other) => {
      expect([await reads(one, other), await reads(other, one)]).toEqual([true, true]);
    },
  );

  test('put in front at once, it seals what processes that do not have it yet cannot open', async () => {
    expect(await reads('moved', 'before')).toBe(false);
  });

  test('an old key may go when nothing that it sealed is left, and not before', async () => {
    expect([await reads('moved', 'after'), await reads('added', 'after')]).toEqual([true, false]);
  });
});

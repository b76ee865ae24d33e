import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storageConformance, type ConformanceSubject } from '../../src/storage/conformance/index.ts';
import { createD1Backend, ensureD1Tables, type D1Database } from '../../src/storage/d1/index.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

let miniflare: Miniflare;
let database: D1Database;

beforeAll(async () => {
  const script = 'export default { fetch: () => new Response() };';
  miniflare = new Miniflare({ modules: true, script, d1Databases: ['DB'] });
  database = (await miniflare.getD1Database('DB')) as unknown as D1Database;
});
afterAll(() => miniflare.dispose());

function subject(): ConformanceSubject {
  let nowMs = 1_800_000_000_000;
  const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) };
  return {
    clock,
    separateHandles: true,
    open: async () => encrypted(createD1Backend({ database, clock: clock.now, pollMs: 20 }), keyring),
  };
}

describe('D1, as workerd has it', () => {
  test('that has no tables says how to make them', async () => {
    const reading = createD1Backend({ database }).get(['somebody', 'something']);
    await expect(reading).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
      hint: expect.stringContaining('d1Schema'),
    });
    await ensureD1Tables(database);
    await ensureD1Tables(database);
  });

  test.each(storageConformance({ operations: 60 }))('$title', async ({ run }) => {
    await expect(run(subject())).resolves.toBeUndefined();
  });

  test('leaves no trace of a commit behind, refused or not', async () => {
    const store = createD1Backend({ database });
    const put = ['somebody', 'once'] as const;
    const value = Uint8Array.of(1);
    await store.commit([{ put, value }]);
    await expect(store.commit([{ put, value, expect: 'absent' }])).resolves.toBeUndefined();
    const [left] = await database.batch([database.prepare('SELECT id FROM postern_commits')]);
    expect(left?.results).toEqual([]);
  });
});

import { Miniflare } from 'miniflare';
import { afterAll, describe, expect, test } from 'vitest';
import { createD1Backend, type D1Database } from '../../src/storage/d1/index.ts';
import { bundle, forWorkers } from './packed.ts';

const { outputFiles } = await bundle('e2e/runtimes/conformance-worker.ts', forWorkers);
const miniflare = new Miniflare({
  modules: [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0]!.text }],
  compatibilityDate: '2026-07-01',
  d1Databases: ['DB', 'EMPTY'],
});
afterAll(() => miniflare.dispose());
const ask = async (path: string): Promise<string> =>
  (await miniflare.dispatchFetch(`http://worker.example/${path}`)).text();
const titles = JSON.parse(await ask('')) as string[];

describe('D1 in a Worker', () => {
  test.each(titles.map((title, index) => ({ title, index })))('$title', async ({ index }) => {
    await expect(ask(String(index))).resolves.toBe('holds');
  });

  test('keeps no trace of a commit, done or refused', async () => {
    const database = (await miniflare.getD1Database('DB')) as unknown as D1Database;
    const [left] = await database.batch([database.prepare('SELECT id FROM postern_commits')]);
    expect(left?.results).toEqual([]);
  });

  test('without tables says how to make them', async () => {
    const database = (await miniflare.getD1Database('EMPTY')) as unknown as D1Database;
    await expect(createD1Backend({ database }).get(['somebody', 'something'])).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
      hint: expect.stringContaining('d1Schema'),
    });
  });
});

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openRedis } from '../../src/storage/redis/index.ts';
import { LineProcess, startTogether } from '../support/line-process.ts';
import { describeWithService } from '../support/services.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const module = join(import.meta.dirname, '../../src/storage/redis/index.ts');

/** Makes `store` with a client of one library, then runs a task that prints one line of JSON. */
function scriptOf(library: string, url: string, prefix: string, task: string): string {
  const client =
    library === 'redis'
      ? `const { createClient } = await import('redis');
         const client = createClient({ url: ${JSON.stringify(url)} });
         client.on('error', () => {}); await client.connect();`
      : `const { Redis } = await import('ioredis'); const client = new Redis(${JSON.stringify(url)});`;
  return `const { openRedis } = await import(${JSON.stringify(module)});
    ${client}
    const store = await openRedis({ client, prefix: ${JSON.stringify(prefix)}, onWarning: () => {} });
    const text = (bytes) => new TextDecoder().decode(bytes);
    const print = (value) => console.log(JSON.stringify(value));
    console.log('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    ${task}
    process.exit(0);`;
}

/** Each library in a process of its own, started at the same moment once both have opened the store. */
async function twoProcesses(url: string, prefix: string, task: string): Promise<() => Promise<unknown>[]> {
  const processes = ['redis', 'ioredis'].map(
    (library) =>
      // Beside the libraries, so that the script finds them.
      new LineProcess(
        ['--input-type=module', '-e', scriptOf(library, url, prefix, task)],
        import.meta.dirname,
      ),
  );
  onTestFinished(async () => void (await Promise.all(processes.map((each) => each.kill()))));
  await startTogether(processes);
  return () => processes.map((each) => each.outcome());
}

await describeWithService('redis', 'processes on one Redis', ({ where: url }) => {
  async function open(): Promise<{ store: StorageBackend; prefix: string }> {
    const prefix = `test-${randomBytes(6).toString('hex')}`;
    const client = new Redis(url);
    const store = await openRedis({ client, prefix, onWarning: () => {} });
    onTestFinished(async () => {
      await store.close();
      for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
        if (keys.length > 0) await client.unlink(keys as string[]);
      }
      client.disconnect();
    });
    return { store, prefix };
  }

  test('of 20,000 entries that two processes try to take, none is taken twice and none is lost', async () => {
    const { store, prefix } = await open();
    for (let start = 0; start < 20_000; start += 500) {
      await store.commit(
        Array.from({ length: 500 }, (_, offset) => ({
          put: ['queue', `${start + offset}`] as const,
          value: encoder.encode(`${start + offset}`),
        })),
      );
    }
    const outcomes = await twoProcesses(
      url,
      prefix,
      // Both read the same entries and try for all of them: as many collisions as can be.
      `const taken = []; let collisions = 0;
       for (;;) {
         const entries = await store.list(['queue'], { limit: 200 });
         if (entries.length === 0) break;
         await Promise.all(entries.map(async ({ key, version, value }) => {
           if (await store.commit([{ delete: key, expect: version }])) taken.push(text(value));
           else collisions++;
         }));
       }
       print({ taken, collisions });`,
    );
    const both = (await Promise.all(outcomes())) as { taken: string[]; collisions: number }[];
    const all = both.flatMap(({ taken }) => taken);
    expect(all).toHaveLength(20_000);
    expect(new Set(all).size).toBe(20_000);
    // Otherwise the processes only took turns, and nothing was proved.
    for (const { taken, collisions } of both)
      expect([taken.length > 0, collisions > 0]).toEqual([true, true]);
    expect(await store.list(['queue'])).toEqual([]);
  }, 120_000);

  test('increments by version from two processes lose none', async () => {
    const { store, prefix } = await open();
    const outcomes = await twoProcesses(
      url,
      prefix,
      `let collisions = 0;
       for (let done = 0; done < 500;) {
         const entry = await store.get(['counter', 'value']);
         const value = new TextEncoder().encode(String(Number(entry ? text(entry.value) : 0) + 1));
         if (await store.commit([{ put: ['counter', 'value'], value, expect: entry?.version ?? 'absent' }])) done++;
         else collisions++;
       }
       print(collisions);`,
    );
    const collisions = (await Promise.all(outcomes())) as number[];
    expect(decoder.decode((await store.get(['counter', 'value']))?.value)).toBe('1000');
    expect(collisions.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  }, 120_000);

  test('a signal wakes listeners in other processes, after what it tells of', async () => {
    const { store, prefix } = await open();
    const lines = await twoProcesses(
      url,
      prefix,
      `const woken = new Promise((resolve) => void store.listen('go', resolve).then(() => print('listening')));
       await woken;
       const sent = Number(text((await store.get(['moment', 'sent'])).value));
       print(Date.now() - sent);`,
    );
    expect(await Promise.all(lines())).toEqual(['listening', 'listening']);
    await store.commit([{ put: ['moment', 'sent'], value: encoder.encode(`${Date.now()}`) }]);
    await store.signal('go');
    for (const delay of (await Promise.all(lines())) as number[]) expect(delay).toBeLessThan(4_000);
  }, 60_000);

  test('20,000 random operations of 200 tenants never show one the canary of another', async () => {
    const prefix = `test-${randomBytes(6).toString('hex')}`;
    const client = new Redis(url);
    onTestFinished(async () => {
      for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
        if (keys.length > 0) await client.unlink(keys as string[]);
      }
      client.disconnect();
    });
    const model = storageConformance({ operations: 20_000, namespaces: 200, seed: 7 }).at(-1)!;
    expect(model.title).toContain('20000 random operations in 200 namespaces');
    const subject = { separateHandles: true, open: () => openRedis({ client, prefix, onWarning: () => {} }) };
    await expect(model.run(subject)).resolves.toBeUndefined();
  }, 120_000);
});

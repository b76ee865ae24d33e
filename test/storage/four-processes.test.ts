import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { LineProcess, startTogether } from '../support/line-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-four-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const encoder = new TextEncoder();

function open(path: string): StorageBackend {
  const store = openSqlite(path);
  onTestFinished(() => store.close());
  return store;
}

/** Four processes on one file, started at the same moment once all have opened it. */
async function fourProcesses(
  task: string,
  path: string,
  argument: (index: number) => string = () => '',
): Promise<LineProcess[]> {
  const script = join(import.meta.dirname, 'sqlite-worker.ts');
  const workers = Array.from(
    { length: 4 },
    (_, index) => new LineProcess([script, task, path, argument(index)]),
  );
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.kill()))));
  await startTogether(workers);
  return workers;
}

test('of 20,000 entries that four processes try to take, none is taken twice and none is lost', async () => {
  const path = join(directory, 'take.db');
  const store = open(path);
  for (let start = 0; start < 20_000; start += 500) {
    await store.commit(
      Array.from({ length: 500 }, (_, index) => ({
        put: ['queue', `${start + index}`] as const,
        value: encoder.encode(`${start + index}`),
      })),
    );
  }
  const workers = await fourProcesses('take', path);
  const taken = await Promise.all(workers.map((worker) => worker.outcome<string[]>()));
  const all = taken.flat();
  expect(all).toHaveLength(20_000);
  expect(new Set(all).size).toBe(20_000);
  // Otherwise the processes only took turns, and nothing was proved.
  expect(taken.filter((each) => each.length > 0).length).toBeGreaterThan(1);
  expect(await store.list(['queue'])).toEqual([]);
}, 120_000);

test('increments by version from four processes lose none', async () => {
  const path = join(directory, 'counter.db');
  const store = open(path);
  const workers = await fourProcesses('increment', path, () => '250');
  const collisions = await Promise.all(workers.map((worker) => worker.outcome<number>()));
  expect(new TextDecoder().decode((await store.get(['counter', 'value']))?.value)).toBe('1000');
  expect(collisions.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
}, 120_000);

test('a signal wakes listeners in four other processes, within a second and after what it tells of', async () => {
  const path = join(directory, 'signal.db');
  const store = open(path);
  const workers = await fourProcesses('listen', path);
  for (const worker of workers) expect(await worker.line()).toBe('listening');
  await store.commit([{ put: ['moment', 'sent'], value: encoder.encode(`${Date.now()}`) }]);
  await store.signal('go');
  const delays = await Promise.all(workers.map((worker) => worker.outcome<number>()));
  for (const delay of delays) expect(delay).toBeLessThan(4_000);
}, 60_000);

test('four processes that create the file at the same moment agree on it', async () => {
  for (let round = 0; round < 3; round++) {
    const path = join(directory, `create-${round}.db`);
    const workers = await fourProcesses('increment', path, () => '5');
    await Promise.all(workers.map((worker) => worker.outcome<number>()));
    const value = (await open(path).get(['counter', 'value']))?.value;
    expect(new TextDecoder().decode(value)).toBe('20');
  }
}, 60_000);

test('four processes that create a keyring at the same moment get the same key', async () => {
  const path = join(directory, 'raced.keys');
  const module = join(import.meta.dirname, '../../src/storage/keyring-file.ts');
  const script = `const { openKeyringFile } = await import(${JSON.stringify(module)});
    const wait = Number(process.argv[1]) - Date.now(); await new Promise((done) => setTimeout(done, wait));
    const { id } = await openKeyringFile(${JSON.stringify(path)}).current(); console.log(id);`;
  const startMs = Date.now() + 1_500;
  const ids = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, `${startMs}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 20_000,
      });
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      await once(child, 'close');
      return output;
    }),
  );
  expect(ids[0]).toMatch(/^k-/u);
  expect(new Set(ids).size).toBe(1);
}, 60_000);

test('after kill -9 in the midst of commits the file is whole, every acknowledged write is there, and others go on', async () => {
  const path = join(directory, 'killed.db');
  const workers = await fourProcesses('write', path, (index) => `writer-${index}`);
  for (const worker of workers.slice(0, 3)) {
    await pause(300 + Math.random() * 300);
    await worker.kill();
  }
  const survivor = readFileSync(`${path}.writer-3.acknowledged`, 'utf8').length;
  await pause(500);
  expect(readFileSync(`${path}.writer-3.acknowledged`, 'utf8').length).toBeGreaterThan(survivor);
  await workers[3]!.kill();

  const check = new DatabaseSync(path);
  expect(check.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  check.close();

  const store = open(path);
  let acknowledged = 0;
  for (let index = 0; index < 4; index++) {
    const name = `writer-${index}`;
    // The last line may have been cut short by the kill.
    const lines = readFileSync(`${path}.${name}.acknowledged`, 'utf8').split('\n').slice(0, -1);
    for (const line of lines) {
      const [turn, version] = line.split(' ');
      expect((await store.get([name, 'left', turn!]))?.version, `${name} ${turn}`).toBe(version);
      expect(await store.get([name, 'right', turn!]), `${name} ${turn}`).toBeDefined();
      acknowledged++;
    }
    // A commit that nobody acknowledged is there whole, or not at all.
    const beyond = [
      await store.get([name, 'left', `${lines.length}`]),
      await store.get([name, 'right', `${lines.length}`]),
    ];
    expect(beyond[0] === undefined).toBe(beyond[1] === undefined);
  }
  expect(acknowledged).toBeGreaterThan(50);
}, 120_000);

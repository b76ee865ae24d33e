import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NamespacedStorage } from '../../src/kernel.ts';
import { createNamespace, encrypted, generateKeyText, keyringFromText } from '../../src/index.ts';
import { openSqlite } from '../../src/storage/local.ts';
import { CommandLine } from '../support/command-line.ts';

const alice = createNamespace('client', 'user:alice').partition;

/** A store of somebody's with three records of hers, sealed with one key, and what is left to end by itself. */
async function openStore(
  keys: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ line: CommandLine; file: string }> {
  const line = new CommandLine({ POSTERN_KEYS: keys, ...env });
  const file = join(line.home, 'server.db');
  await using store = {
    store: encrypted(openSqlite(file), keyringFromText(keys)),
    [Symbol.asyncDispose]: () => store.store.close(),
  };
  const hers = new NamespacedStorage(store.store, [alice]);
  const value = new TextEncoder().encode('something');
  await hers.commit(['a', 'b', 'c'].map((name) => ({ put: hers.key([name]), value })));
  await hers.commit([{ put: hers.key(['ending']), value, expiresAtMs: Date.now() + 60_000 }]);
  return { line, file };
}

test('a key is made, and is one: on standard output, or in a file that did not exist', async () => {
  const line = new CommandLine();
  const { stdout } = await line.run('keys', 'generate');
  expect((await keyringFromText(stdout).current()).id).toBe(stdout.split(':')[0]);
  expect(stdout).toMatch(/^k-[\w-]{8}:[\w-]{43}\n$/u);
  const { answer } = await line.json('keys', 'generate', '--out', 'keys');
  const file = join(line.home, 'keys');
  expect([readFileSync(file, 'utf8').split(':')[0], statSync(file).mode & 0o777]).toEqual([
    answer.result.id,
    0o600,
  ]);
  expect(answer.result.key).toBeUndefined();
  expect((await line.run('keys', 'generate', '--out', 'keys')).code).toBe(2);
});

test('what an older key has sealed is counted, and sealed anew with the newest', async () => {
  const [old, fresh] = [generateKeyText(), generateKeyText()];
  const [oldId, freshId] = [old, fresh].map((key) => key.split(':')[0] ?? '');
  const { line, file } = await openStore(old, { BOTH: `${fresh},${old}`, NEW: fresh, STORE: 'server.db' });
  const store = ['--store', file];
  const before = await line.json('keys', 'count', ...store);
  expect(before.answer.result).toMatchObject({ keys: [{ id: oldId, records: 4 }], unsealed: 0 });

  const resealed = await line.json('keys', 'reseal', ...store, '--keys-env', 'BOTH');
  expect(resealed).toEqual({
    code: 0,
    answer: {
      ok: true,
      result: { resealed: 3, ending: 1, changed: 0, unreadable: 0, partitions: 1, empty: 0 },
    },
  });
  const narrowed = ['--partition', alice, '--context', 'user:alcie'];
  const after = await line.run('keys', 'count', '--store-env', 'STORE', ...narrowed);
  expect(after.stdout.split('\n')).toEqual(
    expect.arrayContaining([
      `${oldId}: 1 records`,
      `${freshId}: 3 records`,
      'Of those that were named, 1 hold nothing: are they spelt right?',
    ]),
  );
});

test('records that no key at hand opens are left, said, and end the command with 1', async () => {
  const { line, file } = await openStore(generateKeyText(), { OTHER: generateKeyText() });
  const which = ['--store', file, '--keys-env', 'OTHER'];
  const { code, stdout } = await line.run('keys', 'reseal', ...which);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/Unreadable: [34]\./u)]);
});

test('a store that is not there is not made', async () => {
  const line = new CommandLine();
  const failures = await Promise.all([
    line.run('keys', 'count'),
    line.run('keys', 'count', '--store', 'nothing.db'),
    line.run('keys', 'count', '--store-env', 'NOTHING'),
    line.run('keys', 'count', '--store', 'redis://user:hunter2@127.0.0.1:1'),
    line.run('keys', 'count', '--store', 'postgres://user:hunter2@127.0.0.1:1/db'),
  ]);
  expect(failures.map(({ code }) => code)).toEqual([2, 2, 2, 1, 1]);
  for (const { stderr } of failures) expect(stderr).not.toContain('hunter2');
});

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-refused-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const module = join(import.meta.dirname, '../../src/storage/sqlite/index.ts');

/** Runs a script that has `openSqlite` and `path`, and returns what it prints. */
function runScript(
  path: string,
  script: string,
  options: { fileBlocks?: number; isNobody?: boolean } = {},
): unknown {
  const text = `const { openSqlite } = await import(${JSON.stringify(module)});
    const path = ${JSON.stringify(path)};
    ${script}`;
  const limit = options.fileBlocks === undefined ? 'unlimited' : String(options.fileBlocks);
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `ulimit -f ${limit}; exec "$0" --input-type=module -e "$1"`, process.execPath, text],
    {
      encoding: 'utf8',
      timeout: 60_000,
      // The superuser may write anything, so it steps down.
      ...(options.isNobody && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    },
  );
  if (stdout === '') throw new Error(`the script printed nothing: ${stderr}`);
  return JSON.parse(stdout);
}

test('when the file system takes no more, commits fail with a typed error and every acknowledged one stays', async () => {
  const path = join(directory, 'limited.db');
  const outcome = runScript(
    path,
    `const store = openSqlite(path);
     let acknowledged = 0;
     let failure;
     while (failure === undefined && acknowledged < 5_000) {
       const value = new Uint8Array(3_000);
       const key = (side) => ['p', side, String(acknowledged)];
       await store.commit([{ put: key('left'), value }, { put: key('right'), value }])
         .then(() => acknowledged++, (error) => (failure = { code: error.code, hasHint: error.hint !== undefined }));
     }
     const read = (await store.get(['p', 'left', '0'])) !== undefined;
     process.stdout.write(JSON.stringify({ acknowledged, failure, read }));
     process.exit(0);`,
    // 1 MiB: 1,024 blocks of 1 KiB, as bash counts.
    { fileBlocks: 1_024 },
  ) as { acknowledged: number };
  expect(outcome).toEqual({
    acknowledged: expect.any(Number),
    failure: { code: 'ERR_POSTERN_STORAGE_UNAVAILABLE', hasHint: true },
    read: true,
  });
  expect(outcome.acknowledged).toBeGreaterThan(10);

  const check = new DatabaseSync(path);
  expect(check.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  check.close();
  const store = openSqlite(path);
  onTestFinished(() => store.close());
  for (let turn = 0; turn < outcome.acknowledged; turn++) {
    for (const side of ['left', 'right']) expect(await store.get(['p', side, `${turn}`])).toBeDefined();
  }
  expect(await store.get(['p', 'left', `${outcome.acknowledged}`])).toBeUndefined();
  expect(await store.commit([{ put: ['p', 'after'], value: new Uint8Array(3_000) }])).toHaveLength(1);
}, 90_000);

test.each([
  { what: 'file', mode: 0o444 },
  { what: 'directory', mode: 0o555 },
])('a read-only $what is refused when it is opened, with a hint', async ({ what, mode }) => {
  const place = mkdtempSync(join(directory, 'read-only-'));
  const path = join(place, 'a.db');
  const store = openSqlite(path);
  await store.commit([{ put: ['p', 'a'], value: Uint8Array.of(1) }]);
  await store.close();
  for (const each of [directory, place]) chmodSync(each, 0o755);
  if (process.getuid?.() === 0) for (const each of [place, path]) chownSync(each, 65_534, 65_534);
  chmodSync(what === 'file' ? path : place, mode);
  const outcome = runScript(
    path,
    `try { openSqlite(path); process.stdout.write('"opened"'); }
     catch ({ code, hint }) { process.stdout.write(JSON.stringify({ code, hint })); }`,
    { isNobody: true },
  );
  expect(outcome).toEqual({
    code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    hint: expect.stringContaining('writable'),
  });
});

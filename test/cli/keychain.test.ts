import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PosternError } from '../../src/core/postern-error.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { moveKey, settleKey } from '../../src/storage/key-place.ts';
import { systemKeychain, type Keychain } from '../../src/storage/keychain.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { CommandLine } from '../support/command-line.ts';
import { openSecretService } from '../support/secret-service.ts';
import { describeWithService } from '../support/services.ts';

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-keychain-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A keychain that does as it is told. */
function createKeychain(
  overrides: Partial<Keychain> = {},
): Keychain & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: async (account) => kept.get(account),
    set: async (account, secret) => void kept.set(account, secret),
    delete: async (account) => kept.delete(account),
    ...overrides,
  };
}

const codeOf = (error: unknown): unknown => (error as PosternError).code;
const keysIn = (folder: string): string => readFileSync(join(folder, 'postern.keys'), 'utf8');
const unavailable = (): Promise<never> =>
  Promise.reject(new PosternError('ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE', 'locked'));

/** A module like the real one, as a file. */
function createModule(body: string): string {
  const path = join(createFolder(), 'keyring.cjs');
  writeFileSync(
    path,
    `exports.Entry = class { constructor(service, account) { this.at = account; } ${body} };`,
  );
  return path;
}

test('a keychain that hangs is given up after its deadline, and the process that asked it ends', async () => {
  const module = createModule('getPassword() { for (;;); }');
  const asking = systemKeychain({ module, timeoutMs: 1_500 }).get('store-1');
  await expect(asking).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE',
    message: "the system's keychain did not answer within 1.5 s",
  });
});

test('a keychain that dies, or refuses, is unavailable, and its words are in no message', async () => {
  const dies = createModule('getPassword() { process.exit(3); }');
  const refuses = createModule('getPassword() { throw new Error("the secret is hunter2"); }');
  const failures = await Promise.all(
    [dies, refuses].map((module) =>
      systemKeychain({ module })
        .get('a')
        .catch((error: unknown) => error),
    ),
  );
  expect(failures.map(codeOf)).toEqual([
    'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE',
    'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE',
  ]);
  for (const failure of failures) expect(JSON.stringify(failure)).not.toContain('hunter2');
});

test('a fresh key lies in the keychain, and the folder says only under which name', async () => {
  const folder = createFolder();
  const keychain = createKeychain();
  expect(await settleKey(folder, keychain)).toEqual({ place: 'keychain', isNew: true });
  const [[account, key] = []] = keychain.kept;
  expect(keysIn(folder)).toContain(account);
  expect(keysIn(folder)).not.toContain(key);
  expect(await settleKey(folder, keychain)).toEqual({ place: 'keychain', isNew: false });
});

test('without a keychain, and with one that gives back something else, a fresh key lies in a file', async () => {
  for (const keychain of [
    createKeychain({ set: unavailable }),
    createKeychain({ get: async () => 'else' }),
  ]) {
    const folder = createFolder();
    expect(await settleKey(folder, keychain)).toMatchObject({
      place: 'file',
      isNew: true,
      why: { code: 'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE' },
    });
    expect(statSync(join(folder, 'postern.keys')).mode & 0o777).toBe(0o600);
  }
});

test('of ten that settle a fresh key at once, all get the same one, and nine leave none behind', async () => {
  const folder = createFolder();
  const keychain = createKeychain();
  const settled = await Promise.all(Array.from({ length: 10 }, () => settleKey(folder, keychain)));
  expect(settled.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect([...keychain.kept.keys()]).toEqual([/store-[\w-]+/u.exec(keysIn(folder))?.[0]]);
});

test('a store whose key is gone gets no fresh one', async () => {
  const folder = createFolder();
  await settleKey(folder, createKeychain({ set: unavailable }));
  await openLocalStorage(folder).get([createNamespace('client', 'a').partition, 'b']);
  rmSync(join(folder, 'postern.keys'));
  await expect(settleKey(folder, createKeychain())).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID',
    hint: expect.stringContaining('Restore it'),
  });
  expect(existsSync(join(folder, 'postern.keys'))).toBe(false);
});

test('a key is moved to the keychain and back, and there is one of it at every time', async () => {
  const folder = createFolder();
  await settleKey(folder, createKeychain({ set: unavailable }));
  const before = keysIn(folder);
  const keychain = createKeychain();
  expect(await moveKey(folder, 'keychain', keychain)).toBe(true);
  expect([...keychain.kept.values()]).toEqual([before.trim()]);
  expect(await moveKey(folder, 'keychain', keychain)).toBe(false);
  expect(await moveKey(folder, 'file', keychain)).toBe(true);
  expect([keysIn(folder), keychain.kept.size]).toEqual([before, 0]);
  expect(statSync(join(folder, 'postern.keys')).mode & 0o777).toBe(0o600);
});

test('a key that cannot be moved stays where it is', async () => {
  const folder = createFolder();
  await settleKey(folder, createKeychain({ set: unavailable }));
  const before = keysIn(folder);
  await expect(moveKey(folder, 'keychain', createKeychain({ set: unavailable }))).rejects.toThrow('locked');
  expect(keysIn(folder)).toBe(before);

  const keychain = createKeychain();
  await moveKey(folder, 'keychain', keychain);
  keychain.kept.clear();
  const gone = moveKey(folder, 'file', keychain);
  await expect(gone).rejects.toMatchObject({ code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID' });
  expect(keysIn(folder)).toContain('in the keychain');
});

test('what says that the key is in the keychain must not be open to others, as a key must not', async () => {
  const folder = createFolder();
  await settleKey(folder, createKeychain());
  chmodSync(join(folder, 'postern.keys'), 0o644);
  await expect(settleKey(folder, createKeychain())).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID',
  });
});

test('where the keychain is switched off, the key lies in a file, and that is said once', async () => {
  const line = new CommandLine();
  const [first, second] = [await line.run('list', '--check'), await line.run('list', '--check')];
  expect(first.stderr).toContain('sealed with a key in a file beside them, for you alone to read');
  expect([second.code, second.stderr]).toEqual([0, '']);
});

await describeWithService('secret-service', 'the keychain of a desktop', () => {
  test('has the key of the command line’s store; another process finds it there; it is moved, and lost', async () => {
    const desktop = await openSecretService(createFolder());
    const line = new CommandLine({ POSTERN_KEYCHAIN: undefined, ...desktop });
    const first = await line.run('list', '--check');
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringContaining("with a key in the system's keychain"),
    ]);
    const keys = join(line.home, 'data/postern/postern/postern.keys');
    expect(readFileSync(keys, 'utf8')).toMatch(/^in the keychain of this system as store-/u);
    expect(await line.run('list', '--check')).toMatchObject({ code: 0, stderr: '' });

    expect((await line.run('keys', 'move', '--to', 'file')).stdout).toContain('now in a file');
    expect(readFileSync(keys, 'utf8')).toMatch(/^k-[\w-]{8}:[\w-]{43}\n$/u);
    expect((await line.run('keys', 'move', '--to', 'keychain')).stdout).toContain(
      "now in the system's keychain",
    );
    expect(await line.json('list', '--check')).toMatchObject({ code: 0, answer: { ok: true } });

    // A program with a store of the library's own, which stays open while the key is moved under it.
    vi.stubEnv('DBUS_SESSION_BUS_ADDRESS', desktop['DBUS_SESSION_BUS_ADDRESS']);
    vi.stubEnv('XDG_RUNTIME_DIR', desktop['XDG_RUNTIME_DIR']);
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = createFolder();
    await settleKey(folder);
    expect(keysIn(folder)).toContain('in the keychain');
    const key = [createNamespace('client', 'a').partition, 'b'] as const;
    const [one, other] = [openLocalStorage(folder), openLocalStorage(folder)];
    await one.commit([{ put: key, value: new Uint8Array([1]) }]);
    await moveKey(folder, 'file');
    await one.commit([{ put: key, value: new Uint8Array([2]) }]);
    // It has asked for no key before.
    expect((await other.get(key))?.value).toEqual(new Uint8Array([2]));
    await Promise.all([one.close(), other.close()]);

    // A desktop that has lost its keyring: the way out is told, and no other key made.
    writeFileSync(keys, 'in the keychain of this system as store-lost\n', { mode: 0o600 });
    const lost = await line.json('keys', 'count');
    expect(lost).toMatchObject({
      code: 2,
      answer: {
        error: {
          code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID',
          hint: expect.stringContaining('Restore the keychain'),
        },
      },
    });
  });
});

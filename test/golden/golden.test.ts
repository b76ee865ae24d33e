import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeBase64Url } from '../../src/core/base64url.ts';
import { encrypted, MemoryBackend, type StorageBackend } from '../../src/storage/index.ts';
import { createGoldenHost, goldenKeyring, type GoldenStore } from './golden-store.ts';
import { createStubWorld, serverUrl, type StubWorld } from './stub-world.ts';

const releases = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json'));

/** A store as a release left it, half a minute ago; with a field in every record that this version does not know. */
async function open(release: string): Promise<{
  golden: GoldenStore;
  storage: StorageBackend;
  world: StubWorld;
  clock: () => number;
}> {
  const golden = JSON.parse(readFileSync(new URL(release, import.meta.url), 'utf8')) as GoldenStore;
  const clock = (): number => golden.writtenAtMs + 30_000;
  const storage = new MemoryBackend({ clock });
  const world = createStubWorld();
  for (const { key, value, expiresAtMs } of golden.entries) {
    const record = { ...(value as object), fromTheFuture: 'kept' };
    const { credential } = value as { credential?: { accessToken: string } };
    if (credential !== undefined) world.tokens.set(credential.accessToken, key[0].split('%3A')[1] ?? '');
    await storage.commit([
      { put: key, value: new TextEncoder().encode(JSON.stringify(record)), expiresAtMs },
    ]);
  }
  return { golden, storage, world, clock };
}

async function read(
  storage: StorageBackend,
  key: readonly [string, ...string[]],
): Promise<Record<string, unknown>> {
  const entry = await storage.get(key);
  return JSON.parse(new TextDecoder().decode(entry?.value)) as Record<string, unknown>;
}

const credentialOf = (user: string) =>
  [`client:user%3A${user}`, 'credential', serverUrl, 'calendar'] as const;

test('there is a golden store', () => {
  expect(releases).not.toHaveLength(0);
});

describe.each(releases)('the store that %s left', (release) => {
  test('opens, sealed as it was', async () => {
    const { golden } = await open(release);
    const under = new MemoryBackend({ clock: () => 0 });
    const storage = encrypted(under, goldenKeyring);
    for (const { key, sealed, value } of golden.entries) {
      await under.commit([{ put: key, value: decodeBase64Url(sealed) }]);
      expect(await read(storage, key)).toEqual(value);
    }
  });

  test('holds a record of every kind that outlives a process', async () => {
    const { golden } = await open(release);
    const kinds = new Set(
      golden.entries.map(({ key: [partition, kind] }) => `${partition.split(':')[0]} ${kind}`),
    );
    expect(kinds).toEqual(
      new Set([
        'app registration',
        'client attempt',
        'client attempts',
        'client continuation',
        'client credential',
        'client declined',
        'client pending',
        'client slot',
        'resume waiting',
        'route to',
      ]),
    );
  });

  test('lets the person who was out at the authorization server come back, and their parked call resume', async () => {
    const { golden, storage, world, clock } = await open(release);
    const { coordinator, manager } = createGoldenHost(storage, world, clock);
    const answered: unknown[] = [];
    manager.continuation('answer', async ({ client, payload }) => {
      answered.push(payload, (await client.callTool('whoami')).content);
    });
    const { url, cookie } = golden.callback;
    const page = await coordinator.fetch(new Request(url, { headers: { cookie, 'x-user': 'user:alice' } }));
    expect(page.status).toBe(303);
    await coordinator.close();
    expect(await manager.runDue()).toBe(1);
    expect(answered).toEqual([{ thread: 'alice’s' }, [{ type: 'text', text: 'alice' }]]);
    expect(world.seen).not.toContain('POST /register');
    await manager.close();
  });

  test('lets a signed-in user call on, and refresh, without another login', async () => {
    const { storage, world, clock } = await open(release);
    const { manager } = createGoldenHost(storage, world, clock);
    const bob = await manager.getClient('user:bob');
    expect((await bob.callTool('whoami')).content).toEqual([{ type: 'text', text: 'bob' }]);
    world.tokens.clear();
    expect((await bob.callTool('whoami')).content).toEqual([{ type: 'text', text: 'bob' }]);
    expect(world.seen.filter((request) => request.startsWith('token'))).toEqual(['token refresh_token']);
    expect(await read(storage, credentialOf('bob'))).toMatchObject({ fromTheFuture: 'kept' });
    await manager.close();
  });

  test('still knows who declined a moment ago', async () => {
    const { storage, world, clock } = await open(release);
    const { manager } = createGoldenHost(storage, world, clock);
    const carol = await manager.getClient('user:carol');
    await expect(carol.callTool('whoami')).rejects.toMatchObject({ code: 'ERR_POSTERN_AUTH_DENIED' });
    await manager.close();
  });

  test('keeps, in every record it writes anew, what a newer version added', async () => {
    const { golden, storage, world, clock } = await open(release);
    const { coordinator, manager } = createGoldenHost(storage, world, clock);
    const { url, cookie } = golden.callback;
    await coordinator.fetch(new Request(url, { headers: { cookie, 'x-user': 'user:alice' } }));
    await coordinator.close();
    const [pending] = await storage.list(['client:user%3Aalice', 'pending']);
    const [attempt] = await storage.list(['client:user%3Aalice', 'attempt']);
    for (const entry of [pending, attempt]) {
      const record = await read(storage, entry?.key as [string, ...string[]]);
      expect(record).toMatchObject({ fromTheFuture: 'kept' });
      expect(record['data']).toBeUndefined();
    }
    await manager.close();
  });
});

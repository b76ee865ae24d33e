/**
 * Writes the golden store of the present code: `node test/golden/write-golden-store.ts 0.1.0`.
 *
 * Run once for each release that changes what is stored. Old files are never written again: they are what was in
 * people's stores, and every later version has to go on with them.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { isAuthorizationRequired, type AuthChallenge } from '../../src/client/index.ts';
import { MemoryBackend, type Change, type StorageBackend } from '../../src/storage/index.ts';
import { ownNavigation } from '../support/own-navigation.ts';
import { createGoldenHost, sealEntries, type GoldenStore } from './golden-store.ts';
import { createStubWorld } from './stub-world.ts';

const [release = ''] = process.argv.slice(2);
const file = new URL(`./${release}.json`, import.meta.url);
if (!/^\d+\.\d+\.\d+$/u.test(release) || existsSync(file)) {
  console.error('Name a release that has no golden store yet: node test/golden/write-golden-store.ts 1.2.3');
  process.exit(2);
}

const writtenAtMs = Date.UTC(2026, 10, 20, 12);
const clock = (): number => writtenAtMs;
const memory = new MemoryBackend({ clock });
const partitions = new Set<string>();
const storage: StorageBackend = {
  capabilities: memory.capabilities,
  get: (key) => memory.get(key),
  list: (prefix, page) => memory.list(prefix, page),
  commit: (changes: readonly Change[]) => {
    for (const change of changes) partitions.add(('put' in change ? change.put : change.delete)[0]);
    return memory.commit(changes);
  },
  signal: (channel) => memory.signal(channel),
  listen: (channel, wake) => memory.listen(channel, wake),
  close: () => memory.close(),
};
const world = createStubWorld();
const { coordinator, manager } = createGoldenHost(storage, world, clock);
const place = manager.continuation<{ thread: string }>('answer', async () => {});

/** Asks in a context's name; the answer is the sign-in it needs. */
async function ask(contextId: string): Promise<{ challenge: AuthChallenge; error: unknown }> {
  const client = await manager.getClient(contextId, { thread: `thread of ${contextId}` });
  try {
    await client.callTool('whoami');
  } catch (error) {
    if (isAuthorizationRequired(error)) return { challenge: error.challenge, error };
    throw error;
  }
  throw new Error(`${contextId} did not need to sign in`);
}

/** Opens a link; what the browser would bring back. */
async function open(
  { url }: AuthChallenge,
  user: string,
  answer: string,
): Promise<{ url: string; cookie: string }> {
  const response = await coordinator.fetch(
    new Request(url, { headers: { 'x-user': user, ...ownNavigation } }),
  );
  const authorize = new URL(response.headers.get('location') ?? '');
  const state = authorize.searchParams.get('state') ?? '';
  const back = new URL(`${authorize.searchParams.get('redirect_uri')}?${answer}`);
  back.searchParams.set('state', state);
  back.searchParams.set('iss', 'https://accounts.example');
  return { url: back.href, cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const goBack = ({ url, cookie }: { url: string; cookie: string }, user: string): Promise<Response> =>
  coordinator.fetch(new Request(url, { headers: { cookie, 'x-user': user } }));

// alice is at the authorization server, her call parked; bob has signed in; carol has declined.
const alice = await ask('user:alice');
await place.park(alice.error, { thread: 'alice’s' });
const callback = await open(alice.challenge, 'user:alice', 'code=code-of-alice');
const bob = await ask('user:bob');
await goBack(await open(bob.challenge, 'user:bob', 'code=code-of-bob'), 'user:bob');
const carol = await ask('user:carol');
await goBack(await open(carol.challenge, 'user:carol', 'error=access_denied'), 'user:carol');

const store: GoldenStore = {
  writtenAtMs,
  callback,
  entries: await sealEntries(memory, [...partitions].toSorted()),
};
await writeFile(file, `${JSON.stringify(store, null, 2)}\n`);
await manager.close();
console.log(`${store.entries.length} records of ${partitions.size} partitions`);

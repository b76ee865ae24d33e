import { encodeBase64Url } from '../../src/core/base64url.ts';
import { ClientManager, RemoteAuthCoordinator } from '../../src/client/index.ts';
import {
  createKeyring,
  encrypted,
  MemoryBackend,
  type Entry,
  type Keyring,
  type StorageBackend,
} from '../../src/storage/index.ts';
import { serverUrl, type StubWorld } from './stub-world.ts';

/** A whole store as it was written by a release, and what a person still holds in their hands. */
export interface GoldenStore {
  /** Milliseconds since the epoch, when it was written. */
  readonly writtenAtMs: number;
  /** What a browser that was sent out brings back. */
  readonly callback: { readonly url: string; readonly cookie: string };
  readonly entries: readonly GoldenEntry[];
}

/** One entry, in the clear and sealed with {@link goldenKeyring}. */
export interface GoldenEntry {
  readonly key: readonly [string, ...string[]];
  readonly expiresAtMs?: number;
  readonly value: unknown;
  readonly sealed: string;
}

const publicUrl = 'https://bot.example/postern';

/** Not a secret: it protects nothing but these records. */
export const goldenKeyring: Keyring = createKeyring([
  { id: 'golden', key: encodeBase64Url(new Uint8Array(32).fill(7)) },
]);

/** The host that wrote the golden store, and that must go on with it. */
export function createGoldenHost(
  storage: StorageBackend,
  world: StubWorld,
  clock: () => number,
): { coordinator: RemoteAuthCoordinator; manager: ClientManager } {
  const coordinator = new RemoteAuthCoordinator({
    storage,
    clock,
    publicUrl,
    fetch: (url, init) => world.fetch(url, init),
    verifyUser: (request) => request.headers.get('x-user') ?? undefined,
  });
  const manager = new ClientManager(
    { calendar: { url: serverUrl } },
    { coordinator, clock, fetch: world.fetch, versionNegotiation: 'legacy' },
  );
  return { coordinator, manager };
}

/** Seals what is in a memory store, entry by entry, as a store on disk would hold it. */
export async function sealEntries(
  memory: MemoryBackend,
  partitions: readonly string[],
): Promise<GoldenEntry[]> {
  const under = new MemoryBackend({ clock: () => 0 });
  const sealed = encrypted(under, goldenKeyring);
  const entries: Entry[] = [];
  for (const partition of partitions) entries.push(...(await memory.list([partition], { limit: 1_000 })));
  return Promise.all(
    entries.map(async ({ key, value, expiresAtMs }) => {
      await sealed.commit([{ put: key, value }]);
      const raw = await under.get(key);
      return {
        key: [...key] as [string, ...string[]],
        ...(expiresAtMs !== undefined && { expiresAtMs }),
        value: JSON.parse(new TextDecoder().decode(value)) as unknown,
        sealed: encodeBase64Url(raw?.value ?? new Uint8Array()),
      };
    }),
  );
}

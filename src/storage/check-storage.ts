import type { StorageBackend } from './contract.ts';
import { encrypted } from './encrypted.ts';
import type { Keyring } from './keyring.ts';
import { KeyUnavailableError } from './unreadable.ts';

/** What {@link checkStorage} may be told. */
export interface StorageCheckOptions {
  /** The ids of keys that are known to be lost for good: what they have sealed is given up. */
  readonly lost?: readonly string[] | undefined;
}

const dayMs = 24 * 60 * 60_000;
/** How long it is remembered that a key has sealed. Longer than what is sealed anew by itself. */
const rememberedMs = 30 * dayMs;

/**
 * Whether the store answers, and the ring holds every key that this check has found in front in the last 30 days: for a
 * process to look before it serves, and for its health check. One that lacks a key would otherwise go on without what that
 * has sealed, and ask people anew.
 *
 * Writes down, once a day, that the newest key seals; what `reseal` has sealed anew asks for no older one.
 *
 * @param driver the driver itself, as it was before `encrypted()` was put around it.
 * @example
 * const isUp = await checkStorage(driver, keyring).then(() => true, () => false);
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_UNAVAILABLE when the ring lacks a key, and names it.
 */
export async function checkStorage(
  driver: StorageBackend,
  keyring: Keyring,
  { lost = [] }: StorageCheckOptions = {},
): Promise<void> {
  const store = encrypted(driver, keyring);
  const found = await store.list(['app', 'sealed-with'], { limit: 1_000 });
  for (const { unreadable } of found) {
    if (unreadable === undefined) continue;
    if (unreadable instanceof KeyUnavailableError && lost.includes(unreadable.sealedWith)) continue;
    throw unreadable;
  }
  const { id } = await keyring.current();
  const nowMs = (await driver.now?.()) ?? Date.now();
  const own = found.find(({ key }) => key[2] === id);
  if ((own?.expiresAtMs ?? 0) > nowMs + rememberedMs - dayMs) return;
  const put = ['app', 'sealed-with', id] as const;
  await store.commit([{ put, value: new Uint8Array(0), expiresAtMs: nowMs + rememberedMs }]);
}

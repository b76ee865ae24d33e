import type { Key, StorageBackend } from '../contract.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function textOf(value: Uint8Array | undefined): string | undefined {
  return value && decoder.decode(value);
}

/** Puts one entry. Returns its version, or `undefined` when the expectation failed. */
export async function put(
  store: StorageBackend,
  key: Key,
  text: string,
  options: { expect?: string | undefined; expiresAtMs?: number } = {},
): Promise<string | undefined> {
  return (await store.commit([{ put: key, value: bytes(text), ...options }]))?.[0];
}

export async function versionOf(store: StorageBackend, key: Key): Promise<string | undefined> {
  return (await store.get(key))?.version;
}

/** Removes an entry and returns it, as everything above the contract does: read, then delete that version. */
export async function take(store: StorageBackend, key: Key): Promise<string | undefined> {
  for (;;) {
    const entry = await store.get(key);
    if (entry === undefined) return undefined;
    if (await store.commit([{ delete: key, expect: entry.version }])) return textOf(entry.value);
  }
}

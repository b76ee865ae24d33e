import { decodeBase64Url, encodeBase64Url } from '../../core/base64url.ts';
import type { MemorySaver } from './sdk-types.ts';

/** Bytes, among what is otherwise JSON. */
interface KeptBytes {
  readonly bytes: string;
}

/** All that a checkpointer in memory holds, as JSON. */
export interface KeptCheckpoints {
  readonly storage: unknown;
  readonly writes: unknown;
}

export function keepCheckpoints({ storage, writes }: MemorySaver): KeptCheckpoints {
  return { storage: toJson(storage), writes: toJson(writes) };
}

export function restoreCheckpoints(saver: MemorySaver, { storage, writes }: KeptCheckpoints): void {
  saver.storage = fromJson(storage) as object;
  saver.writes = fromJson(writes) as object;
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: encodeBase64Url(value) } satisfies KeptBytes;
  if (Array.isArray(value)) return value.map((one) => toJson(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toJson(one)]));
}

function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => fromJson(one));
  if (typeof value !== 'object' || value === null) return value;
  const { bytes, ...rest } = value as Partial<KeptBytes>;
  if (typeof bytes === 'string' && Object.keys(rest).length === 0) return decodeBase64Url(bytes);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromJson(one)]));
}

import type { StorageBackend } from '../contract.ts';
import { D1Backend, type D1Options } from './d1-backend.ts';

export type { D1Options } from './d1-backend.ts';
export { d1Schema, ensureD1Tables, type D1Database, type D1Statement } from './d1-database.ts';

/**
 * A store in one D1 database of Cloudflare Workers, on its binding.
 *
 * Nothing is sent until the first call. Values are kept as they are given: put `encrypted` around it. One commit takes
 * about 1.4 MB; more is refused with `ERR_POSTERN_STORAGE_VALUE_TOO_LARGE` before it is sent. D1 has no push: the signals of
 * others arrive within `pollMs`, to whoever listens.
 *
 * @example
 * const storage = encrypted(createD1Backend({ database: env.DB }), keyringFromEnv(env));
 */
export function createD1Backend(options: D1Options): StorageBackend {
  return new D1Backend(options);
}

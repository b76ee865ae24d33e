import { PosternError } from '../../core/postern-error.ts';
import type { RedisCalls } from './redis-calls.ts';

/** The oldest server on which scripts replicate what they did, and not themselves. */
const oldestMajor = 6;

/**
 * Looks whether the server keeps what it is given.
 *
 * Managed services forbid some of the questions. What is not known is a warning; what is known to be wrong is refused.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the server may evict entries, or is too old.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when it cannot be reached.
 */
export async function checkRedis(calls: RedisCalls, onWarning: (message: string) => void): Promise<void> {
  const infos = await whatItSays(calls, () => calls.commands.info());
  for (const info of infos) checkVersion(fieldOf(info, 'redis_version'));

  let policies = infos.map((info) => fieldOf(info, 'maxmemory_policy') ?? '');
  if (policies.length === 0 || policies.includes('')) {
    policies = await whatItSays(calls, () => calls.commands.evictionPolicies());
  }
  if (policies.length === 0 || policies.includes('')) {
    onWarning(
      'Redis does not say what it does when its memory is full. Make sure that its maxmemory-policy is noeviction: any other may drop grants and pendings.',
    );
  }
  const wrong = policies.find((policy) => policy !== '' && policy !== 'noeviction');
  if (wrong !== undefined) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `Redis may evict entries: its maxmemory-policy is ${JSON.stringify(wrong)}`,
      { hint: 'Set maxmemory-policy to noeviction, or use a server that is not a cache.' },
    );
  }

  if (infos.some((info) => fieldOf(info, 'aof_enabled') === '0')) {
    onWarning(
      'Redis runs without an append-only file. A restart loses what was written since its last snapshot, or everything: everybody signs in again. Set appendonly to yes.',
    );
  }
}

function checkVersion(version: string | undefined): void {
  const major = Number.parseInt(version ?? '', 10);
  if (Number.isNaN(major) || major >= oldestMajor) return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `Redis ${JSON.stringify(version)} is too old: the driver needs ${oldestMajor} or newer`,
  );
}

/** The answers, or none when the server refuses to give them. */
async function whatItSays(calls: RedisCalls, ask: () => Promise<string[]>): Promise<string[]> {
  return calls.within('Redis could not be asked how it is set up', () => ask().catch(ifRefused));
}

function ifRefused(error: unknown): string[] {
  // Error replies begin with a code: no permission (NOPERM), no such command here (ERR). All else is a failure.
  const isRefusal = error instanceof Error && /^(?:NOPERM|ERR) /u.test(error.message);
  if (isRefusal) return [];
  throw error;
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'mu').exec(info)?.[1];
}

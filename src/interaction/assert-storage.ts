import { PosternError } from '../core/postern-error.ts';
import type { StorageBackend } from '../storage/contract.ts';

/**
 * @param options `allowsPlaintext`: a durable store may keep its values readable.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when there is no storage, or one that keeps secrets readable.
 */
export function assertStorage(
  storage: StorageBackend | undefined,
  { allowsPlaintext = false }: { allowsPlaintext?: boolean | undefined } = {},
): asserts storage is StorageBackend {
  if (!storage?.capabilities) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a "storage" is needed', {
      hint: 'openLocalStorage(path) of postern/storage/local is one for a single machine.',
    });
  }
  if (storage.capabilities.atRest === 'plain' && !allowsPlaintext) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      'the "storage" keeps secrets readable at rest',
      {
        hint: 'Wrap it: encrypted(storage, keyring).',
      },
    );
  }
}

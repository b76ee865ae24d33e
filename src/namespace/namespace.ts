import { PosternError } from '../core/postern-error.ts';
import { decodePath, encodePath } from '../storage/keys.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';

/** The partition everything of one principal lives in. */
export interface Namespace {
  /** What sort of principal: `client` for a context of the agent's side. */
  readonly kind: string;
  /** The principal, as the host names it. */
  readonly id: string;
  /** The storage partition, injective in kind and id: `client:user%3Aalice`. */
  readonly partition: string;
}

/** The longest id, in UTF-16 code units. An OpenID issuer and subject fit. */
const maxIdLength = 300;

/**
 * Names a namespace.
 *
 * There is no default: an absent principal must never fall into a shared place.
 *
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID when the id is empty, not a string, too long, or not well-formed.
 */
export function createNamespace(kind: string, id: string): Namespace {
  if (typeof id !== 'string' || id === '' || id.length > maxIdLength || !id.isWellFormed()) {
    throw new PosternError(
      'ERR_POSTERN_NAMESPACE_INVALID',
      `a ${kind} id must be a well-formed string of 1 to ${maxIdLength} characters`,
      { hint: 'Pass the id of one user, or of one session: whatever must not see another’s data.' },
    );
  }
  return { kind, id, partition: encodePath([kind, id]) };
}

/** The namespace a partition belongs to: the inverse of {@link createNamespace}. */
export function namespaceOf(partition: string): Namespace {
  const [kind, id, ...rest] = decodePath(partition);
  if (kind === undefined || id === undefined || rest.length > 0) {
    throw new PosternError('ERR_POSTERN_NAMESPACE_INVALID', 'a stored partition names no namespace');
  }
  return createNamespace(kind, id);
}

/** Everything stored for one namespace. */
export function storageOf(backend: StorageBackend, namespace: Namespace): NamespacedStorage {
  return new NamespacedStorage(backend, [namespace.partition]);
}

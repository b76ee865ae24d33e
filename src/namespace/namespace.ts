import { PosternError } from '../core/postern-error.ts';
import { decodePath, encodePath, encodeSegment } from '../storage/keys.ts';
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

/** The longest id once it is encoded, in bytes: every store takes it in a key. */
const maxEncodedIdLength = 900;

/** What a missing value turns into on its way through a template or a header. One partition for all of them would be shared. */
const missing: ReadonlySet<string> = new Set(['undefined', 'null', 'NaN', '[object Object]']);

/**
 * Names a namespace.
 *
 * There is no default: an absent principal must never fall into a shared place.
 *
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID when the id is empty, not a string, too long, not well-formed,
 * or the text of a value that was missing, such as `undefined`.
 */
export function createNamespace(kind: string, id: string): Namespace {
  assertUsableId(kind, id);
  return { kind, id, partition: encodePath([kind, id]) };
}

/**
 * Refuses what names nobody, wherever a principal is named.
 *
 * @param what the id is of, for the error.
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID as {@link createNamespace} does.
 */
export function assertUsableId(what: string, id: unknown): asserts id is string {
  if (isUsableId(id)) return;
  throw new PosternError(
    'ERR_POSTERN_NAMESPACE_INVALID',
    `no usable ${what} id: it must be a well-formed string of 1 to ${maxIdLength} characters, no more than ${maxEncodedIdLength} bytes encoded, and not the text of a missing value`,
    { hint: 'Pass the id of one user, or of one session: whatever must not see another’s data.' },
  );
}

/** Whether {@link createNamespace} takes it as an id. */
export function isUsableId(id: unknown): id is string {
  if (typeof id !== 'string' || id.length > maxIdLength || !isName(id)) return false;
  return encodeSegment(id).length <= maxEncodedIdLength;
}

/** Whether a value can name somebody, however long it is: well-formed text that is not a missing value turned into text. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !missing.has(value);
}

/**
 * The namespace a partition belongs to: the inverse of {@link createNamespace}.
 *
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID when it is the partition of something else.
 */
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

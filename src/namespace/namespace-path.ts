import type { Namespace } from './namespace.ts';

/** How {@link namespacePath} spreads directories. The same for as long as the files are kept. */
export interface NamespacePathOptions {
  /** How many directories lie above the namespace's own. Default 2, at most 8. */
  readonly levels?: number | undefined;
  /** Hexadecimal digits in the name of each of them. Default 2, at most 8. */
  readonly width?: number | undefined;
}

const maxReadable = 40;

/**
 * Where a namespace keeps its files: segments of a path, to be joined below a directory of the host's.
 *
 * Two namespaces never share a path, even where upper and lower case are one: the last segment ends in the whole
 * SHA-256 of the partition. Its readable beginning is for people only. Every segment is `[a-z0-9-]`, no longer than
 * 105 characters, and no name that a file system reserves.
 *
 * @throws {RangeError} when `levels` or `width` is not a whole number within its limits.
 */
export async function namespacePath(
  namespace: Namespace,
  options: NamespacePathOptions = {},
): Promise<readonly string[]> {
  const { levels = 2, width = 2 } = options;
  if (!Number.isInteger(levels) || levels < 0 || levels > 8) throw new RangeError('levels must be 0 to 8');
  if (!Number.isInteger(width) || width < 1 || width > 8) throw new RangeError('width must be 1 to 8');
  const hash = await sha256Hex(namespace.partition);
  const shards = Array.from({ length: levels }, (_, level) => hash.slice(level * width, (level + 1) * width));
  const readable = readablePart(namespace);
  return [...shards, readable === '' ? hash : `${readable}-${hash}`];
}

function readablePart({ kind, id }: Namespace): string {
  return `${kind}-${id}`
    .slice(0, 4 * maxReadable)
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/gu, '-')
    .replace(/^-/u, '')
    .slice(0, maxReadable)
    .replace(/-$/u, '');
}

/** Hexadecimal, since base64 tells upper from lower case. */
async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

import { appendFileSync, chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { encodeBase64Url } from '../../core/base64url.ts';
import { PosternError } from '../../core/postern-error.ts';
import { hashUnremembered, systemRandom } from '../../core/random.ts';

/** A line of the file: whose the key is, and the SHA-256 of the key, base64url. */
const line = /^(\S{1,100})\s+([\w-]{43})$/u;
/** How long a file is taken for unchanged, without a look. */
const lookMs = 1_000;

const head = `# Who may call: a name and the SHA-256 of an API key, one a line. Keys of one name are one user's.
# Remove a line to take a key back; it counts within a second.
`;

/**
 * Makes an API key for a user, and adds its hash to a file, which is created if need be. The key itself is nowhere but in
 * what is returned.
 *
 * @param name whose it is. Several keys of one name are one user's, so that one can be replaced by another.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the name has white space, or the file cannot be written.
 */
export async function addApiKey(path: string, name: string): Promise<string> {
  if (!/^[^\s#]\S{0,99}$/u.test(name)) {
    throw misconfigured('the name of an API key is 1 to 100 characters without white space');
  }
  const key = `pk_${encodeBase64Url(systemRandom(32))}`;
  try {
    const entry = `${name} ${await hashUnremembered(key)}\n`;
    appendFileSync(path, existsSync(path) ? entry : `${head}${entry}`, { mode: 0o600 });
    chmodSync(path, 0o600);
  } catch (cause) {
    throw misconfigured(
      `${JSON.stringify(path)} could not be written (${codeOf(cause) ?? 'unknown'})`,
      cause,
    );
  }
  return key;
}

/** The API keys of a file, read again when it has changed. */
export class ApiKeyFile {
  readonly #path: string;
  #names: ReadonlyMap<string, string> = new Map();
  #stamp = '';
  #lookedAtMs = -Infinity;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the file cannot be read, or has a line that is none. */
  constructor(path: string) {
    this.#path = path;
    this.#read();
  }

  get size(): number {
    return this.#names.size;
  }

  /**
   * Whose key it is.
   *
   * @throws {PosternError} as the constructor does: with a file that cannot be read nobody is let in by what it said before.
   */
  async nameOf(key: string): Promise<string | undefined> {
    if (performance.now() - this.#lookedAtMs > lookMs) this.#read();
    return this.#names.get(await hashUnremembered(key));
  }

  /** Whether a key of this hash still counts. */
  async has(hash: string): Promise<boolean> {
    if (performance.now() - this.#lookedAtMs > lookMs) this.#read();
    return this.#names.has(hash);
  }

  #read(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp !== this.#stamp) {
        this.#names = namesIn(readFileSync(this.#path, 'utf8'), this.#path);
        this.#stamp = stamp;
      }
    } catch (cause) {
      if (cause instanceof PosternError) throw cause;
      throw misconfigured(
        `${JSON.stringify(this.#path)} could not be read (${codeOf(cause) ?? 'unknown'})`,
        cause,
      );
    }
    this.#lookedAtMs = performance.now();
  }
}

function namesIn(text: string, path: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [at, content] of text.split('\n').entries()) {
    const trimmed = content.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [, name, hash] = line.exec(trimmed) ?? [];
    if (name === undefined || hash === undefined) {
      throw misconfigured(`line ${at + 1} of ${JSON.stringify(path)} is not a name and the hash of a key`);
    }
    names.set(hash, name);
  }
  return names;
}

function misconfigured(message: string, cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, {
    cause,
    hint: 'Make a key with `postern expose --api-keys <file> --new-api-key <name>`; a key itself never stands in the file.',
  });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

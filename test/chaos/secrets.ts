import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A secret that can be read where none may be. */
export interface FoundSecret {
  readonly file: string;
  /** What sort of secret, never the secret. */
  readonly what: string;
}

/** A shorter mark leaves so few letters in base64 that sealed bytes have them by chance. */
const shortestMark = 8;

/**
 * Looks through every file below a directory: logs, what programs printed, and the stores' own files.
 *
 * @throws {RangeError} when a mark is too short to tell a secret from chance.
 */
export function findSecrets(
  directory: string,
  options: { readonly marks: Readonly<Record<string, string>>; readonly texts: ReadonlySet<string> },
): FoundSecret[] {
  for (const [what, mark] of Object.entries(options.marks)) {
    if (mark.trim().length < shortestMark)
      throw new RangeError(`the mark of ${what} has fewer than ${shortestMark} letters`);
  }
  const found: FoundSecret[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const what = whatIsIn(readFileSync(path), options);
    for (const each of what) found.push({ file: relative(directory, path), what: each });
  }
  return found;
}

function whatIsIn(
  bytes: Buffer,
  { marks, texts }: { readonly marks: Readonly<Record<string, string>>; readonly texts: ReadonlySet<string> },
): string[] {
  const found: string[] = [];
  for (const [what, mark] of Object.entries(marks)) {
    if ([mark, ...base64FormsOf(mark)].some((form) => bytes.includes(form))) found.push(what);
  }
  const runs = bytes.toString('latin1').matchAll(/[\w-]{32,128}/gu);
  if ([...runs].some(([run]) => texts.has(run))) found.push('a state or verifier');
  return found;
}

/** A mark as it looks inside base64, at each of the three places a byte can have in it. */
function base64FormsOf(mark: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.from('\0'.repeat(before) + mark)
      .toString('base64')
      .replaceAll('=', '');
    // The first and last letters depend on what stands beside the mark.
    return encoded.slice(before === 0 ? 0 : before + 1, -2);
  });
}

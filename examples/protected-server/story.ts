import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Says what happens, with the time, and remembers it. */
export class Story {
  readonly lines: string[] = [];
  readonly #startedAtMs = performance.now();

  say(text: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(1).padStart(5);
    const line = `${seconds}s  ${text}`;
    this.lines.push(line);
    console.log(line);
  }

  /** @throws {Error} when it is not so. */
  check(fact: string, isSo: boolean): void {
    if (!isSo) throw new Error(`it is not so that ${fact}`);
    this.say(`checked: ${fact}`);
  }
}

/** Whatever is readable in the files of a directory. */
export async function readAllFiles(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  );
}

/** How many of the secrets are found in the texts, as they are, in a URL, or in base64. */
export function countLeaks(secrets: readonly string[], texts: readonly string[]): number {
  const forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/u, ''),
    Buffer.from(secret).toString('base64url'),
  ]);
  return [...new Set(forms)].filter((form) => texts.some((text) => text.includes(form))).length;
}

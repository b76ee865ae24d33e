import { readFile } from 'node:fs/promises';

/** What this machine keeps in a file, without the line's end. Read anew each time: platforms replace such files. */
export async function readSecretFile(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trimEnd();
}

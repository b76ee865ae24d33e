import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PosternError } from '../core/postern-error.ts';
import { codeOf } from '../core/system-code.ts';

/** A file of another program's settings, as it was read. */
export interface ReadFile {
  /** Where it really is: the file itself, and not a link to it. */
  readonly path: string;
  /** `undefined` when there is none. */
  readonly text: string | undefined;
}

const backupEnding = '.before-postern';

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it cannot be read. */
export function readSettings(file: string): ReadFile {
  try {
    const path = realpathSync(file);
    return { path, text: readFileSync(path, 'utf8') };
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return { path: file, text: undefined };
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(file)} cannot be read`, {
      cause,
    });
  }
}

/**
 * Puts another text in a file's place: all of it or nothing, with the file's own mode. What was there is kept beside it.
 *
 * @returns where it is kept; `undefined` when nothing was there.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when somebody has changed it meanwhile, or it cannot be written.
 */
export function changeSettings(before: ReadFile, text: string): string | undefined {
  const { path } = before;
  if (readSettings(path).text !== before.text) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `${JSON.stringify(path)} was changed meanwhile, and was left as it is`,
      { hint: 'Run the command again.' },
    );
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const mode = before.text === undefined ? 0o600 : statSync(path).mode & 0o777;
    const backup = before.text === undefined ? undefined : `${path}${backupEnding}`;
    if (backup !== undefined) replace(backup, before.text ?? '', mode);
    replace(path, text, mode);
    return backup;
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(path)} cannot be written`, {
      cause,
      hint: 'May you write to its folder? It was left as it is.',
    });
  }
}

function replace(path: string, text: string, mode: number): void {
  const next = `${path}.${randomUUID()}.tmp`;
  const file = openSync(next, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, text);
      fchmodSync(file, mode);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

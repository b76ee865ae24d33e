import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError } from '../core/postern-error.ts';
import { codeOf } from '../core/system-code.ts';

/** Endings of what tools answer with; what is none of them has a name that nothing opens by itself. */
const endings: Readonly<Record<string, string>> = {
  'application/json': 'json',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'audio/wav': 'wav',
  'image/gif': 'gif',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/svg+xml': 'svg',
  'image/webp': 'webp',
  'text/csv': 'csv',
  'text/plain': 'txt',
};

const maxTries = 10_000;

/**
 * Writes what a tool answered to a file of its own. Never over another.
 *
 * @param data base64.
 * @returns its path, below the folder.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when there is no writing there.
 */
export function saveFile(folder: string, name: string, mimeType: string | undefined, data: string): string {
  // The name is the server's, and so is the type: neither leads to another folder, or to a name that does something.
  const safe = name.replaceAll(/[^\w-]+/gu, '_').slice(0, 60);
  const ending = endings[(mimeType ?? '').split(';', 1)[0]!.trim().toLowerCase()] ?? 'bin';
  const bytes = Buffer.from(data, 'base64');
  try {
    mkdirSync(folder, { recursive: true });
    for (let number = 1; number <= maxTries; number++) {
      const path = join(folder, `${safe}-${number}.${ending}`);
      if (isWritten(path, bytes)) return path;
    }
  } catch (cause) {
    throw unwritable(folder, cause);
  }
  throw unwritable(folder);
}

/** `false` when there is one of that name. */
function isWritten(path: string, bytes: Uint8Array): boolean {
  try {
    writeFileSync(path, bytes, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function unwritable(folder: string, cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `nothing can be written to ${JSON.stringify(folder)}`,
    {
      cause,
      hint: 'The tool was called. Give another folder by --out, or have the answer as JSON by --json.',
    },
  );
}

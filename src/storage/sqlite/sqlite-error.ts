import { PosternError } from '../../core/postern-error.ts';
import { codeOf } from '../../core/system-code.ts';

/** Primary result codes of SQLite, as far as they tell a person what to do. */
const busy = 5;
const locked = 6;
const full = 13;
const cannotOpen = 14;

const hints: Readonly<Record<number, string>> = {
  [busy]: 'Another process keeps the database locked. Is one of them stuck, or is a tool holding it open?',
  8: 'Make the file and its directory writable for the user this program runs as.',
  10: 'The disk or its file system failed to read or write. Look at the system log.',
  11: 'The file is damaged. Stop every process that uses it and restore a backup.',
  [full]: 'The disk is full. Free some space; nothing was written.',
  [cannotOpen]: 'Does the directory exist, and may the user this program runs as write to it?',
  26: 'The file is not a database. Was another file meant?',
};

/** Whether a database is only busy for the moment. */
export function isBusy(error: unknown): boolean {
  const code = resultCodeOf(error);
  return code === busy || code === locked;
}

/** What SQLite or the file system threw, as the error of the contract. `what` names the thing that failed. */
export function sqliteError(what: string, cause: unknown): PosternError {
  // The file system's own errors come before SQLite has seen the file.
  const isSystemError = cause instanceof Error && 'syscall' in cause;
  const isFull = isSystemError && ['ENOSPC', 'EDQUOT'].includes(codeOf(cause) ?? '');
  const hint = hints[isFull ? full : isSystemError ? cannotOpen : (resultCodeOf(cause) ?? 0)];
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', what, { cause, hint });
}

function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  // The low byte: extended codes only say more about the same thing.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

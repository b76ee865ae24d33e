import { PosternError } from '../../core/postern-error.ts';

/** What the SQLSTATEs and system errors that an operator meets ask for. */
const hints: Readonly<Record<string, string>> = {
  '08P01': 'Does the port belong to a PostgreSQL server, or to a pooler that refuses what was asked?',
  '25006': 'The server only reads. Connect to the primary, or end `default_transaction_read_only`.',
  '28000': 'The server refuses the user. Look at its pg_hba.conf.',
  '28P01': 'The server refuses the password.',
  '3D000': 'Create the database first; only its schema is made by Postern.',
  '3F000': 'The schema was dropped while it was in use. Restart, and it is made again.',
  '42501': 'The user lacks a privilege. Open the store once as the owner of the schema, then grant its use.',
  '42883': 'A function of the schema is missing. Was it dropped, or restored without its functions?',
  '42P01': 'A table of the schema was dropped while it was in use. Restart, and it is made again.',
  '53100': 'The disk of the server is full. Nothing was written.',
  '53200': 'The server is out of memory.',
  '53300': 'The server has no connection left. Make the pools smaller, or raise max_connections.',
  '55P03': 'Another transaction holds the row. Is one of them stuck?',
  '57P03': 'The server is starting up or shutting down. Try again in a moment.',
  ECONNREFUSED: 'Nothing listens there. Is the server running, and are host and port right?',
  ENOTFOUND: 'The name of the host is not known.',
};

/** The transaction was undone because of another one, and can be tried again: serialization failure, deadlock. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/**
 * The server refused one statement, and its connection can be used further.
 *
 * Judged by the class of the SQLSTATE: the severity, which would say it directly, is in the server's own language.
 */
export function isRefusal(error: unknown): boolean {
  const isFromServer = error instanceof Error && 'severity' in error;
  return isFromServer && !/^(?:08|57|XX)/u.test(codeOf(error) ?? 'XX');
}

/** What `pg` threw, as the error of the contract. `what` names the thing that failed. */
export function postgresError(what: string, cause: unknown): PosternError {
  const hint = hints[codeOf(cause) ?? ''];
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', what, { cause, hint });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

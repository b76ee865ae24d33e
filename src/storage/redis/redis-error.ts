import { isPosternError, PosternError } from '../../core/postern-error.ts';

/** What the replies and system errors that an operator meets ask for. */
const hints: Readonly<Record<string, string>> = {
  CLUSTERDOWN: 'The cluster lacks a node for some of its slots. Look at `CLUSTER INFO`.',
  CROSSSLOT: 'Is this a cluster behind a client that takes it for a single server?',
  BUSY: 'A script of another program keeps the server busy.',
  ERR: 'The server refused a command. Is it Redis 6 or newer, and does its user have the permission for all of them?',
  LOADING: 'The server is reading its data from the disk. Try again in a moment.',
  MASTERDOWN: 'The server has lost its primary.',
  MISCONF: 'The server cannot write to its disk and refuses changes. Look at its log.',
  MOVED: 'This is a cluster: use a cluster client.',
  NOAUTH: 'The server wants a password.',
  NOPERM:
    'The user of the server lacks a permission. It needs `~postern:* &postern:* +@all -@admin`, with the prefix in use.',
  NOREPLICAS: 'The server has too few replicas to accept changes (min-replicas-to-write).',
  OOM: 'The server has reached its maxmemory. Nothing was written. Give it more, or delete what others left there.',
  READONLY: 'This is a replica. Connect to the primary.',
  WRONGPASS: 'The server refuses the user or the password.',
  ECONNREFUSED: 'Nothing listens there. Is the server running, and are host and port right?',
  ENOTFOUND: 'The name of the host is not known.',
};

/** The first word of an error reply, which is its code, or the code of a system error. */
export function redisErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^[A-Z]{3,}(?= |$)/u.exec(error.message)?.[0];
}

/** What a client threw, as the error of the contract. `what` names the thing that failed. */
export function redisError(what: string, cause: unknown): PosternError {
  if (isPosternError(cause)) return cause;
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', what, {
    cause,
    hint: hints[redisErrorCode(cause) ?? ''],
  });
}

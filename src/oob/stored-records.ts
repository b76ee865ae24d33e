import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:prompted:‹hash of pending id›:‹hash of session›',
    holds: '`{ acceptedAtMs }`: this session was shown that link, and its client has taken it',
    lives: 'a minute longer than its pending',
  },
  {
    key: '‹namespace›:used-request-state:‹hash of nonce›',
    holds: 'nothing: the one run of the handler that a request state is good for was taken',
    lives: 'an hour longer than the state',
  },
  {
    key: '‹namespace›:default-account:‹resource›',
    holds: '`{ alias }`: the account that is meant at a service where none is named',
    lives: 'until that account is logged out',
  },
  {
    key: 'app:request-state-key:1',
    holds: '32 random bytes, with which the servers of one store seal request states',
    lives: 'for ever',
  },
];

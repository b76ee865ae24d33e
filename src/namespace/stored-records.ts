import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: 'token-subject:‹HMAC of token›:is',
    holds: '`{ id }`: whose token this is, by the token-hash provider',
    lives: 'a day',
  },
];

import type { StoredRecord } from './stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: 'app:sealed-with:‹id of a key›',
    holds: 'nothing: by it, `checkStorage` tells whether a keyring lacks a key that has sealed',
    lives: '30 days after that key was last in front',
  },
];

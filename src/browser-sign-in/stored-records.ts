import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: 'app:browser-sign-in:‹hash of issuer, client and public URL›:session:‹hash of cookie›',
    holds: '`{ id, account? }`: who is signed in at a browser',
    lives: '8 hours, or until they sign out',
  },
  {
    key: 'app:browser-sign-in:‹hash of issuer, client and public URL›:used:‹hash of state›',
    holds: 'nothing: somebody has signed in with this state',
    lives: '10 minutes',
  },
  {
    key: 'app:browser-sign-in:‹hash of issuer, client and public URL›:key',
    holds: '32 random bytes, which seal states',
    lives: 'for ever',
  },
];

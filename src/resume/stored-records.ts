import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:continuation:‹id›',
    holds:
      '`{ id, handler, payload, waitingFor: "‹pending id›", status: "waiting", attempts: 0, createdAtMs }`; once done or abandoned without `payload`',
    lives: 'a day longer than its pending',
  },
  {
    key: '‹namespace›:claim:‹id›',
    holds: '`{ holder }`: who runs this continuation',
    lives: '30 s unless renewed',
  },
  {
    key: '‹namespace›:trying:‹hash of a pending’s id›',
    holds:
      '`{ holder }`: a request that waits for it was tried, where only a try shows that its person is done',
    lives: 'until the next may be: 5 s, growing to a minute',
  },
  {
    key: 'resume:waiting:‹id›',
    holds:
      '`{ partition, dueAtMs, sinceMs }`. It only points; the sweep finds what a lost signal left behind',
    lives: 'until the continuation is done',
  },
  {
    key: 'resume:ready:‹id›',
    holds: 'the same, once its pending has ended or a back-off runs; read at every wake',
    lives: 'until the continuation is done',
  },
];

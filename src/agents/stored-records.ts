import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:agent-run:‹id›',
    holds:
      '`{ id, status: "paused", generation, parts: { at, count }, metadata?, waitsFor: [pending ids] }`; `answered` while its answer is handed over, then `delivered`',
    lives: 'a day longer than its pendings',
  },
  {
    key: '‹namespace›:agent-run-part:‹id›:‹place›:‹n›',
    holds:
      'a part of the JSON text of `{ state, calls: [{ callId, name, args, pendingId, service, alias?, tool? }] }`: what the framework goes on from; or of the answer',
    lives: 'until the run has gone on',
  },
  {
    key: '‹namespace›:agent-running:‹run id›',
    holds: '`{ holder }`: who goes on with this run',
    lives: '30 s unless renewed',
  },
  {
    key: '‹namespace›:agent-call:‹hash of run, call, tool and arguments›',
    holds: '`{ status: "claimed" }`; once it was made `{ status: "done", result? }`',
    lives: '25 hours',
  },
  {
    key: '‹namespace›:agent-calling:‹the same hash›',
    holds: '`{ holder }`: who makes this call',
    lives: '30 s unless renewed',
  },
];

import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:pending:‹hash of id›',
    holds:
      '`{ id, kind: "oauth_redirect", resource, alias, initiator, createdAtMs, expiresAtMs, status: "pending", url, data: { flow, message, request, wanted, metadata, data } }`; once ended without `data`, of which `remembered: { resource, alias, metadata? }` stays',
    lives: 'a day longer than its person has (10 min)',
  },
  {
    key: '‹namespace›:slot:‹what it is for›',
    holds: '`{ id }`: the one live pending of `credential:‹resource›:‹alias›`',
    lives: 'as its pending',
  },
  {
    key: 'route:‹hash of id or state›:to',
    holds:
      '`{ partition: "client:user%3Aalice" }`. It only says where to look, and is written before what it leads to',
    lives: 'a day longer than what it leads to',
  },
];

import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:catalogue:‹address of a server›:‹name of the server›',
    holds:
      '`{ greetings: { "2025-11-25": "…" }, lists: { "tools/list": "…" } }`: what the server last said of itself, by the question, and its lists that have one page; each as the JSON that it came as',
    lives: 'until it is replaced',
  },
];

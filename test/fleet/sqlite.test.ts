import { join } from 'node:path';
import { describe } from 'vitest';
import { checkWakeFacts } from './wake-facts.ts';

describe('processes on one SQLite file', () => {
  checkWakeFacts({
    name: 'sqlite',
    wakes: 50,
    storageUrlIn: (directory) => `sqlite:${join(directory, 'store.db')}`,
  });
});

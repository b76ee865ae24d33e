// One process that resumes parked requests from a SQLite file, and writes each run to a log.
//
//   node test/kernel/resume-worker.ts <database> <log> <claimMs> [hang]
//
// Prints "ready" when it listens. SIGTERM lets it finish what runs.
import { appendFileSync } from 'node:fs';
import { Continuations } from '../../src/resume/continuations.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';

const [database = '', log = '', claimMs = '', mode] = process.argv.slice(2);
const storage = openSqlite(database);
const continuations = new Continuations({ storage, claimMs: Number(claimMs), sweepMs: 250, concurrency: 8 });

continuations.register<number>('answer', {
  resume: async ({ idempotencyKey, payload, attempt, namespace }) => {
    appendFileSync(
      log,
      `${JSON.stringify({ key: idempotencyKey, payload, attempt, context: namespace.id, pid: process.pid })}\n`,
    );
    if (mode === 'hang') await new Promise(() => {});
  },
});

process.once('SIGTERM', () => {
  void continuations
    .stop()
    .then(() => storage.close())
    .then(() => process.exit(0));
});

await continuations.start();
process.stdout.write('ready\n');

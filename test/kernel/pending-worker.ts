// One process that asks for the pending of a slot many times at once, then tries to end a list of pendings.
//
//   node test/kernel/pending-worker.ts <database> <context> <outcome> <pending id>…
//
// Prints one line of JSON: the links it was given, and the ids whose end was its own.
import { createNamespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';

const [database = '', context = '', outcome = '', ...ids] = process.argv.slice(2);
const storage = openSqlite(database);
const pendings = new Pendings({ storage, linkFor: (id) => `https://bot.example/${id}` });
const namespace = createNamespace('client', context);

const asked = await Promise.all(
  Array.from({ length: 25 }, () =>
    pendings.createOnce(namespace, ['slot'], async () => ({ kind: 'test', data: null })),
  ),
);
const ends = await Promise.allSettled(
  ids.map((id) =>
    outcome === 'cancelled' ? pendings.in(namespace).cancel(id) : pendings.in(namespace).complete(id),
  ),
);
await storage.close();

process.stdout.write(
  `${JSON.stringify({
    links: asked.map(({ pending }) => pending.url),
    created: asked.filter(({ created }) => created).length,
    ended: ids.filter((_, index) => ends[index]?.status === 'fulfilled'),
    refusals: ends.flatMap((end) =>
      end.status === 'rejected' ? [(end.reason as { code?: string }).code] : [],
    ),
  })}\n`,
);

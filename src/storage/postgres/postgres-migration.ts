import { PosternError } from '../../core/postern-error.ts';
import type { PostgresCalls, PostgresQuery, PostgresSession } from './postgres-calls.ts';
import { postgresMigrations, type PostgresMigrations } from './postgres-schema.ts';

/**
 * Creates the schema when it is missing, and brings an older one up to date.
 *
 * One transaction, under an advisory lock that only one process holds at a time, for which there is a minute at least,
 * however short the deadline of calls is. A schema that is up to date is only read, so a user without the right to
 * change it will do.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when a newer version made it, or another program.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export async function migratePostgres(
  calls: PostgresCalls,
  schema: string,
  migrations: PostgresMigrations = postgresMigrations,
): Promise<void> {
  const found = await calls.session(`the schema ${schema} could not be read`, ({ query }) =>
    versionOf(query, schema),
  );
  if (isCurrent(found, schema, migrations)) return;
  const migrate = async ({ query }: PostgresSession): Promise<void> => {
    await query({ text: 'BEGIN' });
    await query({
      text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [`postern migration of ${schema}`],
    });
    // Another process may have done it while this one waited.
    const before = await versionOf(query, schema);
    if (!isCurrent(before, schema, migrations)) {
      if (before === undefined) await query({ text: `CREATE SCHEMA "${schema}"` });
      if (!before) await query({ text: versionTable(schema) });
      for (const step of migrations.slice(before ?? 0)) await query({ text: step(schema) });
      await query({ text: `UPDATE "${schema}".schema_version SET version = ${migrations.length}` });
    }
    await query({ text: 'COMMIT' });
  };
  await calls.session(
    `the schema ${schema} could not be created or upgraded`,
    migrate,
    Math.max(calls.timeoutMs, migrationMs),
  );
}

// An index of a large table takes longer than a call may; ended by the deadline of a call, it would begin again with
// each start, and never be done.
const migrationMs = 60_000;

const versionTable = (schema: string): string => `
CREATE TABLE "${schema}".schema_version (version integer NOT NULL);
INSERT INTO "${schema}".schema_version VALUES (0);`;

/** `undefined` when there is no such schema, 0 when it is empty. */
async function versionOf(query: PostgresQuery, schema: string): Promise<number | undefined> {
  const [tables] = await query({
    text: `SELECT count(pg_class.oid) AS count, count(*) FILTER (WHERE relname = 'schema_version') AS ours
      FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'v', 'm', 'S')
      WHERE nspname = $1 GROUP BY pg_namespace.oid`,
    values: [schema],
  });
  if (tables === undefined) return undefined;
  if (tables['count'] === '0') return 0;
  if (tables['ours'] !== '1') {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED',
      `the schema ${JSON.stringify(schema)} holds the tables of another program`,
      { hint: 'Give Postern a schema of its own.' },
    );
  }
  const [row] = await query({ text: `SELECT version FROM "${schema}".schema_version` });
  return Number(row?.['version']);
}

function isCurrent(found: number | undefined, schema: string, migrations: PostgresMigrations): boolean {
  if (found === undefined) return false;
  if (Number.isSafeInteger(found) && found <= migrations.length) return found === migrations.length;
  throw new PosternError(
    'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED',
    `the schema ${JSON.stringify(schema)} has version ${found}; this version of Postern knows up to ${migrations.length}`,
    { hint: 'Use at least the version of Postern that last upgraded this schema.' },
  );
}

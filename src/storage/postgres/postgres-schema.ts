/** What turns each version of the schema into the next, the first from nothing. Released entries never change. */
export type PostgresMigrations = readonly ((schema: string) => string)[];

/** Its answer that an expectation failed somewhere in a commit; never seen outside the function. */
const notAsExpected = 'PS001';

/** The present in whole milliseconds, rounded down, so that nothing ends before its time. */
const nowMs = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** How many signals are kept for those who poll, and how many are written between two clearances. */
export const keptSignals = 1_000;
const signalsPerPruning = 64;

/** SQL that is true for a row that has not expired. */
export const isLive: string = `(expires_at IS NULL OR expires_at > ${nowMs})`;

/** The channel that all signals of one schema share. */
export function channelOf(schema: string): string {
  return `postern_${schema}`;
}

/**
 * `apply_change` checks and writes one entry in one statement, so that its row's lock decides every race.
 *
 * A check of a row that is not there must also keep others from making it until the commit ends. An insertion does:
 * whoever else inserts the same key waits for it, even though it is deleted again at once.
 */
const applyChange = (schema: string): string => `
CREATE FUNCTION ${schema}.apply_change(p_partition text, p_path text, p_value bytea, p_version text,
  p_expires_at bigint, p_expect text, p_is_alone boolean)
RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
  IF p_value IS NULL THEN
    IF p_expect IS NULL THEN
      DELETE FROM ${schema}.entries WHERE partition = p_partition AND path = p_path;
      IF FOUND OR p_is_alone THEN RETURN true; END IF;
      INSERT INTO ${schema}.entries VALUES (p_partition, p_path, '', '', 0)
        ON CONFLICT (partition, path) DO UPDATE SET version = '';
    ELSIF p_expect = 'absent' THEN
      INSERT INTO ${schema}.entries AS found VALUES (p_partition, p_path, '', '', 0)
        ON CONFLICT (partition, path) DO UPDATE SET version = '' WHERE found.expires_at <= ${nowMs};
      IF NOT FOUND THEN RETURN false; END IF;
    ELSE
      DELETE FROM ${schema}.entries
        WHERE partition = p_partition AND path = p_path AND version = p_expect AND ${isLive};
      RETURN FOUND;
    END IF;
    DELETE FROM ${schema}.entries WHERE partition = p_partition AND path = p_path;
    RETURN true;
  END IF;
  IF p_expect IS NULL THEN
    INSERT INTO ${schema}.entries VALUES (p_partition, p_path, p_value, p_version, p_expires_at)
      ON CONFLICT (partition, path) DO UPDATE
      SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at;
  ELSIF p_expect = 'absent' THEN
    INSERT INTO ${schema}.entries AS found VALUES (p_partition, p_path, p_value, p_version, p_expires_at)
      ON CONFLICT (partition, path) DO UPDATE
      SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at
      WHERE found.expires_at <= ${nowMs};
  ELSE
    UPDATE ${schema}.entries SET value = p_value, version = p_version, expires_at = p_expires_at
      WHERE partition = p_partition AND path = p_path AND version = p_expect AND ${isLive};
  END IF;
  RETURN FOUND;
END $body$;`;

/**
 * `commit_changes` is a whole commit in one statement, and so in one round trip and one transaction.
 *
 * Its caller sorts the paths, so that two commits never wait for each other. The sweep waits for nobody.
 */
const commitChanges = (schema: string): string => `
CREATE FUNCTION ${schema}.commit_changes(p_partition text, p_paths text[], p_values bytea[], p_versions text[],
  p_expires_at bigint[], p_expects text[], p_wait_ms integer, p_sweep integer)
RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE
  count integer := cardinality(p_paths);
BEGIN
  -- The caller gives up after this time, so a wait for a row must not outlast it by much.
  PERFORM set_config('lock_timeout', p_wait_ms::text, true);
  -- What is acknowledged is on the disk, whatever the server's default.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF count = 1 THEN
    IF NOT ${schema}.apply_change(p_partition, p_paths[1], p_values[1], p_versions[1], p_expires_at[1],
      p_expects[1], true) THEN
      RETURN false;
    END IF;
  ELSE
    BEGIN
      FOR i IN 1..count LOOP
        IF NOT ${schema}.apply_change(p_partition, p_paths[i], p_values[i], p_versions[i], p_expires_at[i],
          p_expects[i], false) THEN
          RAISE SQLSTATE '${notAsExpected}';
        END IF;
      END LOOP;
    EXCEPTION WHEN SQLSTATE '${notAsExpected}' THEN
      RETURN false;
    END;
  END IF;
  IF p_sweep > 0 THEN
    DELETE FROM ${schema}.entries WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${schema}.entries WHERE expires_at <= ${nowMs}
      ORDER BY expires_at LIMIT p_sweep FOR UPDATE SKIP LOCKED));
  END IF;
  RETURN true;
END $body$;`;

/** `send_signal` tells those who listen, and writes a row for those who can only poll. It waits for no disk. */
const sendSignal = (schema: string, channel: string): string => `
CREATE FUNCTION ${schema}.send_signal(p_channel text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  last bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO ${schema}.signals (channel) VALUES (p_channel) RETURNING seq INTO last;
  IF last % ${signalsPerPruning} = 0 THEN
    DELETE FROM ${schema}.signals WHERE seq = ANY (ARRAY(
      SELECT seq FROM ${schema}.signals WHERE seq <= last - ${keptSignals}
      ORDER BY seq LIMIT ${4 * signalsPerPruning} FOR UPDATE SKIP LOCKED));
  END IF;
  PERFORM pg_notify('${channel}', p_channel);
END $body$;`;

const firstVersion = (name: string): string => {
  const schema = `"${name}"`;
  return `
CREATE TABLE ${schema}.entries (
  partition text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  value bytea NOT NULL,
  version text COLLATE "C" NOT NULL,
  expires_at bigint,
  PRIMARY KEY (partition, path)
);
-- Sealed values do not become smaller.
ALTER TABLE ${schema}.entries ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX entries_by_expiry ON ${schema}.entries (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNLOGGED TABLE ${schema}.signals (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel text NOT NULL
);
${applyChange(schema)}
${commitChanges(schema)}
${sendSignal(schema, channelOf(name))}`;
};

export const postgresMigrations: PostgresMigrations = [firstVersion];

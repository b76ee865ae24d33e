import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One change of a commit, without what it wrote. */
export interface LoggedChange {
  readonly key: string;
  /** What sort of record; `undefined` for those no rule looks at. */
  readonly kind: RecordKind;
  readonly expect?: string | undefined;
  /** The version it got, once the commit was acknowledged; `''` for a delete. */
  readonly version?: string | undefined;
  readonly isDelete?: boolean | undefined;
  /** The status of the record that was written, where it has one. */
  readonly status?: string | undefined;
  /** For a grant: the hash of its refresh token. */
  readonly token?: string | undefined;
}

export type RecordKind = 'attempt' | 'pending' | 'grant' | 'continuation' | 'claim' | 'refresh-lease';

/**
 * One line of an operation log.
 *
 * An operation is invoked, and then ends with `ok` or `fail`; one without an end is unknown and may count either way.
 * `info` is what is no operation: a fault, a state found at the end.
 */
export interface LogEvent {
  /** Milliseconds by the machine's monotonic clock, comparable between processes. */
  readonly t: number;
  /** Milliseconds since the epoch. */
  readonly wall: number;
  /** Who says it: `h1.3` is the third life of the host 1. */
  readonly p: string;
  readonly k: 'invoke' | 'ok' | 'fail' | 'info';
  readonly op: string;
  /** The operation's id: the same in `invoke` and its end. */
  readonly id: string;
  readonly ns?: string | undefined;
  readonly code?: string | undefined;
  /** Whose data came back. */
  readonly owner?: string | undefined;
  /** For an `invoke`: how long it may take. */
  readonly limitMs?: number | undefined;
  /** For a lease: how long it lasts. */
  readonly changes?: readonly LoggedChange[] | undefined;
  /** Hashes of what was presented and of what came of it. */
  readonly token?: string | undefined;
  readonly successor?: string | undefined;
  readonly request?: string | undefined;
  readonly isReuse?: boolean | undefined;
  readonly family?: string | undefined;
  /** For a fault: what, to whom, for how long. */
  readonly what?: string | undefined;
  readonly host?: string | undefined;
  readonly lengthMs?: number | undefined;
  readonly status?: string | undefined;
}

/** What a caller says of an event; who and when is added. */
export type SaidEvent = Omit<LogEvent, 't' | 'wall' | 'p'>;

/** Milliseconds by a clock that all processes of the machine share and nobody sets. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Writes one process's log. Every line has left the process when `say` returns, so a kill loses none. */
export class OperationLog {
  readonly #file: number;
  readonly #p: string;

  constructor(directory: string, p: string) {
    this.#file = openSync(join(directory, `${p}.ndjson`), 'a');
    this.#p = p;
  }

  say(event: SaidEvent): void {
    const whole: LogEvent = { t: machineMs(), wall: Date.now(), p: this.#p, ...event };
    writeSync(this.#file, `${JSON.stringify(whole)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The logs of all processes as one history, in the order of time. */
export function readHistory(directory: string): LogEvent[] {
  const events: LogEvent[] = [];
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.ndjson'))) {
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
      // A process that was killed may have left half a line.
      if (line.endsWith('}')) events.push(JSON.parse(line) as LogEvent);
    }
  }
  return events.toSorted((a, b) => a.t - b.t);
}

/** Keeps a history as one file. */
export function writeHistory(path: string, events: readonly LogEvent[]): void {
  appendFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

/** A secret as logs may name it. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url').slice(0, 16);
}

import type { LogEvent, LoggedChange, RecordKind } from './operation-log.ts';

/** A change that was acknowledged, with who made it and when. */
export interface Acknowledged extends LoggedChange {
  readonly ns: string | undefined;
  readonly p: string;
  readonly sentAt: number;
  readonly ackedAt: number;
}

/** A log that can be asked questions. */
export class History {
  readonly events: readonly LogEvent[];
  /** Acknowledged changes, in the order of their acknowledgement. */
  readonly changes: readonly Acknowledged[];
  readonly #killedAt = new Map<string, number>();
  readonly #freezes = new Map<string, { from: number; to: number }[]>();
  readonly #invokes = new Map<string, LogEvent>();
  readonly #ends = new Map<string, LogEvent[]>();
  readonly #leases = new Map<string, Acknowledged[]>();

  constructor(events: readonly LogEvent[]) {
    this.events = events;
    const changes: Acknowledged[] = [];
    for (const event of events) {
      const id = idOf(event);
      if (event.k === 'invoke') this.#invokes.set(id, event);
      if (event.k === 'ok' || event.k === 'fail') this.#ends.set(id, [...(this.#ends.get(id) ?? []), event]);
      if (event.op === 'kill' && event.host !== undefined) this.#killedAt.set(event.host, event.t);
      if (event.op === 'freeze' && event.host !== undefined) {
        const freezes = this.#freezes.get(event.host) ?? [];
        freezes.push({ from: event.t, to: event.t + (event.lengthMs ?? 0) });
        this.#freezes.set(event.host, freezes);
      }
      if (event.op === 'commit' && event.k === 'ok') {
        const sentAt = this.#invokes.get(id)?.t ?? event.t;
        for (const change of event.changes ?? []) {
          const acknowledged = { ...change, ns: event.ns, p: event.p, sentAt, ackedAt: event.t };
          changes.push(acknowledged);
          if (isLease(change.kind)) {
            this.#leases.set(change.key, [...(this.#leases.get(change.key) ?? []), acknowledged]);
          }
        }
      }
    }
    this.changes = changes;
  }

  invokeOf(event: LogEvent): LogEvent | undefined {
    return this.#invokes.get(idOf(event));
  }

  endsOf(event: LogEvent): readonly LogEvent[] {
    return this.#ends.get(idOf(event)) ?? [];
  }

  killedAt(p: string): number | undefined {
    return this.#killedAt.get(p);
  }

  /** How much of a time a process spent frozen. */
  frozenMs(p: string, from: number, to: number): number {
    const freezes = this.#freezes.get(p) ?? [];
    return freezes.reduce(
      (sum, freeze) => sum + Math.max(0, Math.min(to, freeze.to) - Math.max(from, freeze.from)),
      0,
    );
  }

  /** The last time before `at` that a process took, or renewed, a lease whose key ends so. */
  leaseOf(
    kind: RecordKind,
    ns: string | undefined,
    p: string,
    at: number,
    keyEnd = '',
  ): Acknowledged | undefined {
    let last: Acknowledged | undefined;
    for (const [key, writes] of this.#leases) {
      if (!key.endsWith(keyEnd)) continue;
      for (const write of writes) {
        if (
          write.kind === kind &&
          write.ns === ns &&
          write.p === p &&
          !write.isDelete &&
          write.ackedAt <= at
        ) {
          if (last === undefined || write.ackedAt > last.ackedAt) last = write;
        }
      }
    }
    return last;
  }

  /** The write that began the tenure to which a renewal belongs. */
  acquisitionOf(renewal: Acknowledged): Acknowledged {
    const writes = (this.#leases.get(renewal.key) ?? []).filter(({ p }) => p === renewal.p);
    for (let index = writes.indexOf(renewal); index >= 0; index--) {
      const write = writes[index];
      if (write?.expect === 'absent') return write;
    }
    return renewal;
  }

  /** Whether a process had a lease, by its own last word before `at`, and had not given it back. */
  isHeld(key: string, p: string, at: number, leaseMs: number): boolean {
    const writes = (this.#leases.get(key) ?? []).filter((write) => write.p === p && write.ackedAt < at);
    const last = writes.at(-1);
    if (last === undefined || last.isDelete) return false;
    // Its expiry was reckoned from a moment before the commit was sent.
    return last.sentAt + leaseMs - this.frozenMs(p, last.sentAt - leaseMs, last.ackedAt) > at + slackMs;
  }
}

/** What scheduling of processes and the writing of the log may make of two moments. */
const slackMs = 150;

function idOf({ p, op, id }: LogEvent): string {
  return `${p} ${op} ${id}`;
}

function isLease(kind: RecordKind): boolean {
  return kind === 'claim' || kind === 'refresh-lease';
}

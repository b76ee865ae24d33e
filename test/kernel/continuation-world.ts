import { createNamespace, type Namespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import type { Pending, PendingOutcome } from '../../src/pending/pending.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import type { Continuation } from '../../src/resume/continuation.ts';
import { Continuations, type ContinuationsOptions } from '../../src/resume/continuations.ts';

export const alice = createNamespace('client', 'alice');
export const minutes = 60_000;

export interface Heard {
  readonly resumed: Continuation[];
  readonly abandoned: { key: string; code: string; outcome: string }[];
}

export interface World extends Heard {
  readonly storage: MemoryBackend;
  readonly pendings: Pendings;
  readonly advance: (ms: number) => void;
  readonly now: () => number;
  /** One more process on the store, as it were. */
  readonly process: (options?: Partial<ContinuationsOptions>) => Continuations;
  readonly ask: (namespace?: Namespace, ttlMs?: number) => Promise<Pending>;
  readonly end: (pending: Pending, outcome?: PendingOutcome) => Promise<void>;
}

/** A store, a clock that only the test moves, and as many processes as it wants. */
export function createWorld(resume: (continuation: Continuation) => Promise<void> = async () => {}): World {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const storage = new MemoryBackend({ clock });
  const pendings = new Pendings({
    storage,
    clock,
    linkFor: (id) => `https://bot.example/connect/${id}`,
  });
  const resumed: Continuation[] = [];
  const abandoned: { key: string; code: string; outcome: string }[] = [];
  return {
    storage,
    pendings,
    resumed,
    abandoned,
    now: clock,
    advance: (ms) => void (nowMs += ms),
    process: (options) => {
      const continuations = new Continuations({
        storage,
        clock,
        waitsFor: (error) => (error as { pendingId?: string }).pendingId,
        ...options,
      });
      continuations.register('answer', {
        resume: async (continuation) => {
          resumed.push(continuation);
          await resume(continuation);
        },
        abandon: async ({ idempotencyKey: key, outcome }, code) =>
          void abandoned.push({ key, code, outcome }),
      });
      return continuations;
    },
    ask: (namespace = alice, ttlMs = 10 * minutes) =>
      pendings.create(namespace, { kind: 'test', data: null, ttlMs }),
    end: async (pending, outcome = { status: 'completed' }) => {
      await pendings.in(pending.namespace).end(pending.id, outcome);
    },
  };
}

/** What is parked on a pending. */
export const request = (
  pending: Pending,
  payload: unknown = { thread: 't1' },
): { handler: string; payload: unknown; waitingFor: string } => ({
  handler: 'answer',
  payload,
  waitingFor: pending.id,
});

export const sweep = { sweep: true };

/** The lists that the pointers of parked requests are on. */
export async function pointers(storage: MemoryBackend): Promise<string[]> {
  return (await storage.list(['resume'], { limit: 1_000 })).map(({ key }) => key[1] ?? '');
}

import type { Key, StorageBackend } from '../contract.ts';

/** A store under test, as its driver's author offers it. */
export interface ConformanceSubject {
  /**
   * Another handle on the same store, as another process would have it.
   *
   * A driver whose store ends with its handle may return the same handle each time; then each case needs a new subject.
   */
  open(): Promise<StorageBackend>;

  /** Whether each handle that `open` returns is closed on its own. Default false. */
  readonly separateHandles?: boolean | undefined;

  /** The store's clock, when it can be set. Without it, the cases about expiry wait in real time. */
  readonly clock?: { now(): number; advance(ms: number): void | Promise<void> } | undefined;
}

/** One fact about a store. `run` rejects when the store contradicts it. */
export interface ConformanceCase {
  readonly title: string;
  /** What the subject must have for the case to mean anything. */
  readonly needs?: 'separateHandles' | undefined;
  /** How long it may take over a network before it counts as failed. */
  readonly timeoutMs: number;
  readonly run: (subject: ConformanceSubject) => Promise<void>;
}

/** What the body of a case works with. */
export interface CaseContext {
  readonly subject: ConformanceSubject;
  readonly store: StorageBackend;
  /** A second handle on the same store. */
  readonly other: StorageBackend;
  /** A partition nobody else uses. */
  readonly partition: string;
  /** A key in it. */
  readonly key: (...path: string[]) => Key;
  /** The present by the store's clock. */
  readonly now: () => number;
  /** Lets that much of the store's time pass. */
  readonly advance: (ms: number) => Promise<void>;
}

/** A case whose body gets two handles and a fresh partition. The handles are closed whatever happens. */
export function defineCase(
  title: string,
  body: (context: CaseContext) => Promise<void>,
  options: { needs?: 'separateHandles'; timeoutMs?: number } = {},
): ConformanceCase {
  return {
    title,
    needs: options.needs,
    timeoutMs: options.timeoutMs ?? 30_000,
    run: async (subject) => {
      const store = await subject.open();
      const other = await subject.open();
      const partition = freshPartition();
      try {
        await body({
          subject,
          store,
          other,
          partition,
          key: (...path) => [partition, ...path],
          now: () => subject.clock?.now() ?? Date.now(),
          advance: async (ms) => {
            if (subject.clock === undefined) await pause(ms);
            else await subject.clock.advance(ms);
          },
        });
      } finally {
        await store.close();
        await other.close();
      }
    },
  };
}

/** A partition that no other run has used, so that a store need not be empty. */
export function freshPartition(): string {
  return `conformance:${crypto.randomUUID()}`;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Resolves as soon as `isTrue`, or after `timeoutMs` whatever it is. */
export async function until(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue() && performance.now() < deadline) await pause(5);
}

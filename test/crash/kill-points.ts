import type { Change, StorageBackend } from '../../src/storage/contract.ts';

/** The parts of a story, in their order. */
export const phases = ['ask', 'connect', 'callback', 'resume', 'refresh', 'logout'] as const;
export type Phase = (typeof phases)[number];

/** Where a process kills itself: right before, or right after, the n-th step of a phase. */
export interface KillPoint {
  readonly phase: Phase;
  /** From 1. */
  readonly step: number;
  readonly side: 'before' | 'after';
}

export function formatKillPoint({ phase, step, side }: KillPoint): string {
  return `${phase}:${step}:${side}`;
}

/** @throws {TypeError} when the text names no point. */
export function parseKillPoint(text: string): KillPoint {
  const [phase, step, side] = text.split(':');
  const known = phases.find((name) => name === phase);
  if (known === undefined || !(Number(step) >= 1) || (side !== 'before' && side !== 'after')) {
    throw new TypeError(`${JSON.stringify(text)} is no kill point; one is "callback:3:before"`);
  }
  return { phase: known, step: Number(step), side };
}

/**
 * Counts the steps of this process, a commit to the store or a request sent, and ends it at the chosen one.
 *
 * The end is SIGKILL: nothing is flushed, nothing is released, nothing is said.
 */
export class KillPoints {
  readonly #at: KillPoint | undefined;
  readonly #onStep: (step: { phase: Phase; label: string; side: 'before' | 'after' }) => void;
  #phase: Phase | undefined;
  #steps = 0;

  constructor(
    at: KillPoint | undefined,
    onStep: (step: { phase: Phase; label: string; side: 'before' | 'after' }) => void,
  ) {
    this.#at = at;
    this.#onStep = onStep;
  }

  /** Starts counting anew. A process that outlived its phase ends here, so that none outlives its story's crash. */
  enter(phase: Phase | undefined): void {
    if (this.#at !== undefined && this.#phase === this.#at.phase) die();
    this.#phase = phase;
    this.#steps = 0;
  }

  async around<T>(label: string, work: () => Promise<T>): Promise<T> {
    const phase = this.#phase;
    if (phase === undefined) return work();
    const step = ++this.#steps;
    const isChosen = this.#at?.phase === phase && this.#at.step === step;
    this.#onStep({ phase, label, side: 'before' });
    if (isChosen && this.#at.side === 'before') die();
    const outcome = await work();
    this.#onStep({ phase, label, side: 'after' });
    if (isChosen) die();
    return outcome;
  }

  /** A store whose commits are steps. */
  wrapStorage(backend: StorageBackend): StorageBackend {
    return {
      capabilities: backend.capabilities,
      get: (key) => backend.get(key),
      list: (prefix, page) => backend.list(prefix, page),
      commit: (changes) =>
        this.around(`commit ${changes.map(describeChange).join(' + ')}`, () => backend.commit(changes)),
      signal: (channel) => backend.signal(channel),
      listen: (channel, wake) => backend.listen(channel, wake),
      close: () => backend.close(),
    };
  }

  /** A `fetch` whose requests are steps. A body has not been read when the step is over. */
  wrapFetch(send: typeof fetch): typeof fetch {
    return (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : String(input));
      return this.around(`${init?.method ?? 'GET'} ${pathname}`, () => send(input, init));
    };
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing more of this process may happen before it comes.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('unreachable');
}

/** Which sort of record, without ids: `put …/grant`. */
function describeChange(change: Change): string {
  const key = 'put' in change ? change.put : change.delete;
  const words = key.slice(1).filter((segment) => /^[a-z-]{1,20}$/u.test(segment));
  return `${'put' in change ? 'put' : 'delete'} ${words.join('/')}`;
}

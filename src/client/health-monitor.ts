import { checkDurations } from '../core/check-durations.ts';
import type { Clock } from '../core/clock.ts';
import type { Session } from './session/session.ts';

export interface HealthMonitorOptions {
  /** How often each connection is looked at. Default 60,000 ms. */
  readonly everyMs?: number | undefined;
  /** How long a server has for its answer. Default 10,000 ms. */
  readonly timeoutMs?: number | undefined;
}

/** What one look has found, by what was done. */
export interface HealthReport {
  /** Answered as their user. */
  readonly healthy: readonly Session[];
  /** Were not connected, and are again. */
  readonly reconnected: readonly Session[];
  /** Are not connected, also after a try, or are left alone until the next one is due. */
  readonly failed: readonly Session[];
}

const longestPauseMs = 10 * 60_000;

/**
 * Looks after connections: those that are there have to answer, and those that failed and may be tried again are.
 *
 * One that fails again and again is tried ever more seldom, at least every ten minutes. Nobody is asked to sign in by that:
 * what waits for a person, or failed for want of one, is left to whoever calls.
 */
export class HealthMonitor implements AsyncDisposable {
  readonly #sessions: () => Iterable<Session>;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #timeoutMs: number;
  readonly #failures = new WeakMap<Session, { count: number; nextAtMs: number }>();
  readonly #timer: ReturnType<typeof setInterval>;
  #looking: Promise<HealthReport> | undefined;
  #stopped = false;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a duration is none. */
  constructor(sessions: () => Iterable<Session>, clock: Clock, options: HealthMonitorOptions = {}) {
    const { everyMs = 60_000, timeoutMs = 10_000 } = options;
    checkDurations({ everyMs, timeoutMs });
    this.#sessions = sessions;
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => void this.check(), everyMs);
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  /** One look, now. Never rejects. Whoever asks while one is under way shares it. */
  check(): Promise<HealthReport> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Ends it, with the look that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #look(): Promise<HealthReport> {
    const report = { healthy: [] as Session[], reconnected: [] as Session[], failed: [] as Session[] };
    await Promise.all(
      [...this.#sessions()].map(async (session) => {
        if (session.isOperational && (await session.checkHealth({ timeoutMs: this.#timeoutMs }))) {
          this.#failures.delete(session);
          report.healthy.push(session);
        } else if (session.isFailed) {
          await this.#retry(session);
          report[session.isOperational ? 'reconnected' : 'failed'].push(session);
        }
      }),
    );
    return report;
  }

  async #retry(session: Session): Promise<void> {
    // Whoever would have to sign in is not asked behind their back.
    if (!session.canRetry || session.status === 'AUTH_FAILED' || this.#stopped) return;
    const { count = 0, nextAtMs = 0 } = this.#failures.get(session) ?? {};
    if (nextAtMs > this.#clock()) return;
    await session.connect();
    if (session.isOperational) this.#failures.delete(session);
    else {
      const pauseMs = Math.min(this.#everyMs * 2 ** count, Math.max(longestPauseMs, this.#everyMs));
      this.#failures.set(session, { count: count + 1, nextAtMs: this.#clock() + pauseMs });
    }
  }
}

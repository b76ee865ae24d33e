import type { Client as SdkClient } from '@modelcontextprotocol/client';
import { isOverHttp } from '../server-config.ts';
import { ping } from './ask-as-user.ts';
import { lossIn } from './lost-session.ts';
import { isConnectionLoss, isTimeout } from './session-failure.ts';
import type { SessionOptions } from './session-options.ts';

/** What is on its way over one connection. */
class Watch {
  count = 0;
  /** When something was answered last, by a clock that nobody sets. */
  answeredAt: number = Number.NEGATIVE_INFINITY;
  /** Why the connection was given up, if it was. */
  reason: unknown;

  answered(): void {
    this.count--;
    this.answeredAt = performance.now();
  }

  /** What an error comes to. */
  failed(error: unknown): unknown {
    this.count--;
    return this.reason ?? error;
  }
}

/**
 * Sees to it that nobody waits for a server that is not there.
 *
 * A connection into a black hole never ends by itself, and nothing tells a slow call from a lost one but that the server
 * still answers something else. Any answer is a sign of life, but one that says that the session is not known: what is on
 * its way in it is lost.
 */
export class Liveness {
  readonly #server: string;
  readonly #silenceMs: number;
  readonly #onDead: (client: SdkClient, reason: unknown) => void;
  /** The requests that are on their way, by connection. */
  readonly #watched = new WeakMap<SdkClient, Watch>();

  /**
   * @param options `livenessMs`: the server is pinged every third of this, and has the rest of it to answer. One that is no
   * HTTP server is not pinged: a process that dies says so, and one that is busy may be slow.
   * @param onDead is told, once, of a connection that is of no use any more.
   */
  constructor(
    { server, config, livenessMs }: Pick<SessionOptions, 'server' | 'config' | 'livenessMs'>,
    onDead: (client: SdkClient, reason: unknown) => void,
  ) {
    this.#server = server;
    this.#silenceMs = isOverHttp(config) ? livenessMs : Number.POSITIVE_INFINITY;
    this.#onDead = onDead;
  }

  /** A request is about to be sent: the connection is watched until it is answered, or has failed. */
  begin(client: SdkClient): Pick<Watch, 'answered' | 'failed'> {
    const watch = this.#watched.get(client) ?? this.#watch(client);
    watch.count++;
    return watch;
  }

  /** Goes on until a look finds nothing under way: a timer for each call would cost each call one. */
  #watch(client: SdkClient): Watch {
    const watch = new Watch();
    this.#watched.set(client, watch);
    this.#lookLater(client, watch);
    return watch;
  }

  #lookLater(client: SdkClient, watch: Watch): void {
    if (this.#silenceMs === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(() => void this.#look(client, watch), this.#silenceMs / 3);
    if (typeof timer === 'object') timer.unref();
  }

  async #look(client: SdkClient, watch: Watch): Promise<void> {
    if (watch.count === 0) {
      this.#watched.delete(client);
      return;
    }
    const lookedAt = performance.now();
    // Where others are answered, nobody has to be asked.
    if (watch.answeredAt > lookedAt - this.#silenceMs / 3) return this.#lookLater(client, watch);
    const error = await ping(client, { timeout: (this.#silenceMs * 2) / 3 }).then(
      () => undefined,
      (failure: unknown) => this.#reasonIn(failure, client),
    );
    // A ping that comes to nothing beside calls that do not says that somebody is busy.
    const isAlive = error === undefined || watch.answeredAt > lookedAt;
    if (isAlive || watch.count === 0) return this.#lookLater(client, watch);
    watch.reason = error;
    this.#onDead(client, error);
  }

  /** Why a ping that failed is the end of a connection, if it is: most failures are an answer. */
  #reasonIn(error: unknown, client: SdkClient): unknown {
    if (isConnectionLoss(error) || isTimeout(error)) return error;
    return lossIn(error, { server: this.#server, hasSession: hasSession(client), mayHaveRun: true });
  }
}

/** Whether a connection has a session that its server may forget. */
export function hasSession(client: SdkClient): boolean {
  return client.transport?.sessionId !== undefined;
}

import {
  findAuthorizationRequired,
  type AuthChallenge,
} from '../client/auth/authorization-required-error.ts';
import { sleep } from '../core/clock.ts';
import { failureFields } from '../core/failure-fields.ts';
import { findPosternError } from '../core/postern-error.ts';
import type { Credentials } from './credentials.ts';
import type { BridgeSettings } from './options.ts';

/** The pauses between tries at a server that does not answer. */
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** Sees to what keeps one server from being connected, so that whoever was told that it is not there is told when it is. */
export class Aftercare {
  readonly #server: string;
  readonly #credentials: Credentials;
  readonly #settings: BridgeSettings;
  readonly #signal: AbortSignal;
  /** Connects, unless somebody has. */
  readonly #connect: () => Promise<unknown>;
  #caring = false;

  constructor(options: {
    server: string;
    credentials: Credentials;
    settings: BridgeSettings;
    signal: AbortSignal;
    connect: () => Promise<unknown>;
  }) {
    this.#server = options.server;
    this.#credentials = options.credentials;
    this.#settings = options.settings;
    this.#signal = options.signal;
    this.#connect = options.connect;
  }

  /** A connection has failed. Never throws. */
  failed(error: unknown): void {
    if (this.#caring || this.#signal.aborted) return;
    this.#caring = true;
    void this.#care(error);
  }

  async #care(error: unknown): Promise<void> {
    try {
      let failure: unknown = error;
      while (failure !== undefined && !this.#signal.aborted) failure = await this.#overcome(failure);
    } catch (failure) {
      if (this.#signal.aborted) return;
      const fields = { server: this.#server, ...failureFields(failure) };
      this.#settings.logger.warn('waiting for a server failed; the next call looks again', fields);
    } finally {
      this.#caring = false;
    }
  }

  /** What a connection failed with again, where there is something left to do about it. */
  async #overcome(error: unknown): Promise<unknown> {
    const challenge = findAuthorizationRequired(error)?.challenge;
    if (challenge !== undefined) {
      if (!(await this.#personIsDone(challenge))) return undefined;
      return this.#try();
    }
    const fields = { server: this.#server, ...failureFields(error) };
    this.#settings.logger.warn('a server could not be connected', fields);
    // What is wrong for good, the next call finds again.
    if (findPosternError(error)?.facts.retry !== true) return undefined;
    for (let pauseMs = firstPauseMs; !this.#signal.aborted; pauseMs *= 2) {
      await sleep(Math.min(pauseMs, longestPauseMs), { signal: this.#signal, keepAlive: false });
      const failure = await this.#try();
      if (failure === undefined || findAuthorizationRequired(failure) !== undefined) return failure;
    }
    return undefined;
  }

  async #personIsDone(challenge: AuthChallenge): Promise<boolean> {
    const failure = await (await this.#credentials.signIns()).untilEnd(challenge, this.#signal);
    const server = JSON.stringify(this.#server);
    const said =
      failure === undefined
        ? `Signed in to ${server}.`
        : `Nobody has signed in to ${server} (${failure.code}). The next call asks again.`;
    this.#settings.say(said);
    return failure === undefined;
  }

  async #try(): Promise<unknown> {
    try {
      await this.#connect();
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

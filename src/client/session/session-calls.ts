import type { Client as SdkClient, RequestOptions } from '@modelcontextprotocol/client';
import { withSignal } from '../../sync/with-signal.ts';
import type { AuthorizationRequiredError } from '../auth/authorization-required-error.ts';
import { AskedCall } from './asked-call.ts';
import { FailedCall, type CallOnConnection } from './failed-call.ts';
import { hasSession, type Liveness } from './liveness.ts';
import { recoverCall } from './recover-call.ts';
import type { RequestsInFlight } from './requests-in-flight.ts';
import { sendAgain, type ServerQuestions } from './server-questions.ts';
import type { FailedServer } from './session-failure.ts';
import type { SessionOptions } from './session-options.ts';
import type { StepUp } from './step-up.ts';

/** What the calls of a session know of it, and can have it do. */
export interface CalledSession {
  /** The connection, once there is one that can be used. @throws why there is none to be had. */
  readonly connected: (signal: AbortSignal | undefined) => SdkClient | Promise<SdkClient>;
  /** Whether a connection is still the session's own. */
  readonly isCurrent: (client: SdkClient) => boolean;
  readonly failedServer: () => FailedServer;
  readonly fail: (error: unknown) => void;
  readonly reconnect: () => Promise<void>;
  readonly stepUp: StepUp;
  readonly liveness: Liveness;
  readonly inFlight: RequestsInFlight;
  readonly questions: ServerQuestions;
}

/** One call, as it is being sent. */
interface Sending {
  /** How often, this time included. */
  readonly sent: number;
  /** Ends the caller's wait. */
  readonly signal: AbortSignal | undefined;
  readonly call: AskedCall;
}

type Work<T> = (client: SdkClient) => Promise<T>;

/** Sends the calls of one session, and again where that is safe. */
export class SessionCalls {
  readonly #session: CalledSession;
  readonly #options: Pick<SessionOptions, 'livenessMs' | 'coordinator'>;
  #count = 0;

  constructor(session: CalledSession, options: Pick<SessionOptions, 'livenessMs' | 'coordinator'>) {
    this.#session = session;
    this.#options = options;
  }

  /** How many have not been answered. */
  get count(): number {
    return this.#count;
  }

  /** {@link request}, of which the time-out does not count what a person takes inside a handler. */
  async ask<T>(
    work: (client: SdkClient, options: RequestOptions) => Promise<T>,
    options: RequestOptions,
    keyOf: (() => string) | undefined,
  ): Promise<T> {
    const { questions } = this.#session;
    const begun = questions.begin(keyOf, options.signal);
    const call = begun instanceof AskedCall ? begun : await begun;
    const patient: Work<T> = (client) =>
      questions.patiently(client, call, options, (own) => work(client, own));
    const result = await this.#send(patient, { sent: 1, signal: options.signal, call });
    if ((result as { isError?: unknown }).isError !== true) questions.succeeded(call);
    return result;
  }

  request<T>(work: Work<T>, signal: AbortSignal | undefined): Promise<T> {
    const heeding: Work<T> = (client) => withSignal(work(client), signal);
    return this.#send(heeding, { sent: 1, signal, call: new AskedCall(undefined, signal) });
  }

  /** One frame for a call that goes through, since each costs every call. */
  async #send<T>(work: Work<T>, sending: Sending): Promise<T> {
    const { liveness, inFlight, stepUp } = this.#session;
    sending.signal?.throwIfAborted();
    this.#count++;
    try {
      const connected = this.#session.connected(sending.signal);
      // What is begun is for all who call: who gives up leaves it to the others, and to its own end.
      const client = connected instanceof Promise ? await withSignal(connected, sending.signal) : connected;
      const session = { client, hasSession: hasSession(client), sent: sending.sent };
      const watch = liveness.begin(client);
      inFlight.begin(client);
      let failed: FailedCall;
      try {
        const result = await work(client);
        watch.answered();
        stepUp.succeeded(sending.call);
        return result;
      } catch (error) {
        const failure = watch.failed(error);
        // The SDK calls a cancellation a time-out. Who has cancelled does not wait for what else is wrong.
        sending.signal?.throwIfAborted();
        failed = await withSignal(this.#judge(failure, session), sending.signal);
      } finally {
        inFlight.end(client);
      }
      return await this.#recover(work, failed, { ...sending, ...session });
    } finally {
      this.#count--;
    }
  }

  #judge(error: unknown, session: CallOnConnection): Promise<FailedCall> {
    const { livenessMs } = this.#options;
    return FailedCall.of(error, session, { livenessMs, server: this.#session.failedServer() });
  }

  async #recover<T>(work: Work<T>, failed: FailedCall, sending: Sending & CallOnConnection): Promise<T> {
    const { isCurrent, fail, reconnect, failedServer, stepUp, questions } = this.#session;
    const { client, call, sent, signal } = sending;
    const settled = await questions.settle(failed.error, call);
    if (settled === sendAgain) return this.#send(work, sending);
    return recoverCall(failed.as(settled), {
      sent,
      hasSession: sending.hasSession,
      server: failedServer(),
      blocksCallers: this.#options.coordinator.blocksCallers,
      fail: (failure) => void (isCurrent(client) && fail(failure)),
      stepUp: (required: AuthorizationRequiredError) => stepUp.ask(required, call.key),
      reconnect: async () => void (isCurrent(client) && (await withSignal(reconnect(), signal))),
      resend: () => this.#send(work, { ...sending, sent: sent + 1 }),
    });
  }
}

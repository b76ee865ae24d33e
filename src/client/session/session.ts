import type { CallToolResult, Client as SdkClient, RequestOptions, Tool } from '@modelcontextprotocol/client';
import type { PosternError } from '../../core/postern-error.ts';
import type { LogoutResult } from '../auth/auth-strategy.ts';
import { findAuthorizationRequired } from '../auth/authorization-required-error.ts';
import { createConnection, type Connection } from './connection.ts';
import { openConnection } from './open-connection.ts';
import { PersonWatch } from './person-watch.ts';
import { RequestsInFlight } from './requests-in-flight.ts';
import { illnessOf } from './ask-as-user.ts';
import { lossIn } from './lost-session.ts';
import { hasSession, Liveness } from './liveness.ts';
import { ProtocolVersions } from './protocol-versions.ts';
import { hasStaticAuth } from '../server-config.ts';
import { ServerQuestions } from './server-questions.ts';
import {
  classifyFailure,
  closedMeanwhile,
  connectionClosed,
  notConnected,
  tooSlow,
  type FailedServer,
} from './session-failure.ts';
import { SessionCalls } from './session-calls.ts';
import { SessionCredential } from './session-credential.ts';
import type { SessionOptions } from './session-options.ts';
import { ToolCatalogue } from './tool-catalogue.ts';

/**
 * One context's connection to one server: its status, and its way back after a person has signed in or a connection broke.
 *
 * `connect()` never rejects for a failure of the server; the status and `error` say what happened.
 */
export class Session extends SessionCredential {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  #client: SdkClient | undefined;
  readonly #inFlight = new RequestsInFlight();
  readonly #versions: ProtocolVersions;
  readonly #tools: ToolCatalogue;
  readonly #questions: ServerQuestions;
  readonly #calls: SessionCalls;
  #connecting: Promise<void> | undefined;
  #disconnecting: Promise<void> | undefined;
  /** A connect that begins when the disconnect has ended. */
  #afterwards: Promise<void> | undefined;
  /** Ends the attempt to connect that is under way. */
  #attempt: AbortController | undefined;
  readonly #person: PersonWatch;
  /** What was asked for last: to be connected, or not to be. */
  #wanted = true;

  constructor(options: SessionOptions) {
    super(options);
    this.#options = options;
    this.#tools = new ToolCatalogue({ clock: options.clock, timeoutMs: options.connectTimeoutMs });
    this.#questions = new ServerQuestions(options);
    this.#versions = new ProtocolVersions(options);
    const onAnswer = (): void => this.answered();
    this.#connection = createConnection({ ...options, onAnswer, strategy: this.strategy });
    this.#person = new PersonWatch(options, (error) => this.#personDone(error));
    this.#calls = this.#createCalls();
  }

  /** The SDK's client of the present connection, for what Postern has no method for. */
  get sdk(): SdkClient | undefined {
    return this.#client;
  }

  /**
   * Connects if it is not connected; callers that come meanwhile share the attempt. Rejects only with misuse.
   *
   * @param options `force` disconnects first, and starts over: also with a person who declined a moment ago, and with a link that
   * leads nowhere.
   */
  async connect(options: { force?: boolean | undefined } = {}): Promise<void> {
    if (options.force === true) {
      await this.disconnect();
      this.#connection.pause?.lift();
      await this.strategy.startOver?.().catch(() => {});
      await this.askAgain().catch(() => {});
    }
    await this.#connectNow();
    await this.#person.waitIfBlocking();
  }

  /** Closes the connection and stops waiting for a person. What is stored stays. A connect() meanwhile begins afterwards. */
  disconnect(): Promise<void> {
    this.#wanted = false;
    this.#person.stop();
    this.#questions.stop();
    this.#disconnecting ??= this.#disconnect().finally(() => (this.#disconnecting = undefined));
    return this.#disconnecting;
  }

  /** Whether the server still answers as this user. On failure the session leaves CONNECTED. */
  async checkHealth(options: { timeoutMs?: number } = {}): Promise<boolean> {
    const client = this.#client;
    if (client === undefined || !this.isOperational) return false;
    const session = { server: this.server, hasSession: hasSession(client), mayHaveRun: false };
    const illness = await illnessOf(client, options.timeoutMs ?? 10_000);
    if (illness !== undefined) this.#fail(lossIn(illness, session) ?? illness);
    return illness === undefined;
  }

  /** Forgets this context's credentials for the server, here and at its authorization server. */
  async logout(): Promise<LogoutResult> {
    if (this.isFailed) await this.strategy.startOver?.();
    const nothing = { revoked: false, reason: 'this server has no login' };
    const result = (await this.strategy.person?.logout()) ?? nothing;
    await this.disconnect();
    return result;
  }

  /** Every tool of the server; from a list of at most a minute ago, unless `refresh` is set or the server said it changed. */
  listTools(
    options: { refresh?: boolean | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<readonly Tool[]> {
    if (options.refresh === true) this.#tools.forget();
    return this.request((client) => this.#tools.read(client), options.signal);
  }

  callTool(
    name: string,
    args: Record<string, unknown> | undefined,
    options?: RequestOptions,
  ): Promise<CallToolResult> {
    const call = { name, ...(args && { arguments: args }) };
    return this.ask(
      (client, own) => client.callTool(call, own),
      options,
      () => JSON.stringify(call),
    );
  }

  /**
   * {@link request}, with options of which the time-out does not count what a person takes inside a handler.
   *
   * @param keyOf says what is called: the same for a call that is made again, which then shows that what it needed is done.
   */
  ask<T>(
    work: (client: SdkClient, options: RequestOptions) => Promise<T>,
    options: RequestOptions = {},
    keyOf?: () => string,
  ): Promise<T> {
    return this.#calls.ask(work, options, keyOf);
  }

  /**
   * Connects if need be, and does something with the connection. The signal ends waiting for a person, too.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   * @throws {PosternError} ERR_POSTERN_CLIENT_* when there is no connection to be had.
   */
  request<T>(work: (client: SdkClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#calls.request(work, signal);
  }

  /** Whether somebody is waiting for it right now. */
  get isBusy(): boolean {
    return this.#calls.count > 0 || this.#connecting !== undefined;
  }

  async #disconnect(): Promise<void> {
    if (this.status === 'DISCONNECTED') return;
    this.move('DISCONNECTING');
    const connecting = this.#connecting;
    this.#attempt?.abort(closedMeanwhile(this.server));
    await this.#retire();
    await this.#inFlight.closeAll();
    await connecting;
    await this.strategy.close?.();
    this.move('DISCONNECTED');
  }

  #createCalls(): SessionCalls {
    const isCurrent = (client: SdkClient): boolean => this.#client === client;
    const liveness = new Liveness(this.#options, (client, reason) => {
      if (isCurrent(client)) this.#fail(reason);
      void client.close().catch(() => {});
    });
    const session = {
      connected: (signal: AbortSignal | undefined) =>
        (this.status === 'CONNECTED' ? this.#client : undefined) ?? this.#operational(signal),
      isCurrent,
      failedServer: () => this.#failed,
      fail: (error: unknown) => this.#fail(error),
      reconnect: () => this.#reconnect(),
      stepUp: this.stepUp,
      liveness,
      inFlight: this.#inFlight,
      questions: this.#questions,
    };
    return new SessionCalls(session, this.#options);
  }

  #connectNow(): Promise<void> {
    const disconnecting = this.#disconnecting;
    this.#wanted = true;
    if (disconnecting !== undefined) {
      this.#afterwards ??= this.#share(async () => {
        await disconnecting;
        this.#afterwards = undefined;
        // Whoever disconnected again while this waited for its turn has the last word.
        if (this.#wanted) await this.#connect('CONNECTING');
      });
      return this.#afterwards;
    }
    if (this.#connecting !== undefined) return this.#connecting;
    if (this.status === 'CONNECTED') return Promise.resolve();
    return this.#share(() => this.#connect('CONNECTING'));
  }

  #share(connect: () => Promise<void>): Promise<void> {
    const shared = connect().finally(() => {
      if (this.#connecting === shared) this.#connecting = undefined;
    });
    this.#connecting = shared;
    return shared;
  }

  async #reconnect(): Promise<void> {
    if (this.#connecting === undefined && this.status === 'CONNECTED') {
      void this.#share(async () => {
        this.move('RECONNECTING');
        void this.#retire();
        await this.#connect();
      });
    }
    await this.#connecting;
  }

  async #operational(signal?: AbortSignal): Promise<SdkClient> {
    await this.#person.waitIfBlocking(signal);
    if (this.status !== 'CONNECTED') {
      if (this.status === 'AUTH_PENDING' && (await this.stillPending()))
        throw this.reason ?? notConnected(this.server, this.status);
      await this.#connectNow();
      await this.#person.waitIfBlocking(signal);
    }
    if (this.status === 'CONNECTED' && this.#client !== undefined) return this.#client;
    throw this.reason ?? notConnected(this.server, this.status);
  }

  async #connect(first?: 'CONNECTING'): Promise<void> {
    this.#person.stop();
    if (first !== undefined) this.move(first);
    this.reason = undefined;
    this.stepUp.forget();
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { context, config, connectTimeoutMs: timeoutMs } = this.#options;
    const deadline = setTimeout(() => attempt.abort(tooSlow(this.server, timeoutMs)), timeoutMs);
    try {
      const client = await openConnection({
        ...this.#options,
        connection: this.#connection,
        contextId: context.id,
        cachePartition: context.namespace.partition,
        timeoutMs,
        signal: attempt.signal,
        versions: this.#versions,
        onAnswer: () => this.answered(),
        handlers: this.#questions.handlers,
        onToolsChanged: () => this.#tools.forget(),
        onAsked: (own, requests) => this.#questions.asked(own, requests),
        onElicited: (id) => this.#questions.completed(id),
        // A handshake may be answered to anybody; a list of tools, as a rule, is not.
        prove: async (opened) => void ('command' in config || (await this.#tools.read(opened))),
      });
      this.#client = client;
      this.move('CONNECTED');
      client.onclose = () => this.#onClose(client);
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(deadline);
      if (this.#attempt === attempt) this.#attempt = undefined;
    }
  }

  get #failed(): FailedServer {
    const hasStaticCredential = hasStaticAuth(this.#options.config);
    const { remains: evidence, pause } = this.#connection;
    return { name: this.server, hasStaticCredential, evidence, pause: pause?.asked };
  }

  #onClose(client: SdkClient): void {
    if (this.#client !== client || this.status !== 'CONNECTED') return;
    this.reason = connectionClosed(this.server, this.#connection.remains);
    void this.#retire();
    this.move('CONNECTION_FAILED');
  }

  #fail(error: unknown): void {
    if (this.status === 'DISCONNECTING' || this.status === 'DISCONNECTED') return;
    const { status, error: known } = classifyFailure(error, this.#failed);
    this.reason = known;
    void this.#retire();
    this.moveOnFailure(status);
    this.#options.logger.info('a session is not connected', {
      context: this.#options.context.id,
      server: this.server,
      status: this.status,
      code: known.code,
    });
    const required = findAuthorizationRequired(known);
    if (required !== undefined && this.status === 'AUTH_PENDING' && this.#wanted) {
      this.#person.start(required.challenge);
    }
  }

  /** Lets go of the connection. Requests that are on their way over it may have taken effect, so they get their answers. */
  async #retire(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#tools.forget();
    if (client !== undefined) await this.#inFlight.retire(client);
  }

  /** The person was waited for in the background, and this process reconnects, wherever the callback landed. */
  #personDone(error: PosternError | undefined): Promise<void> | void {
    if (this.status !== 'AUTH_PENDING') return;
    if (error === undefined) return this.#connectNow();
    this.reason = error;
    this.move('AUTH_FAILED');
  }
}

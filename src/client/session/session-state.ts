import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { FailureEvidence } from '../../core/failure-evidence.ts';
import { PosternError } from '../../core/postern-error.ts';
import { hasConfiguredClient } from '../server-config.ts';
import {
  actorOf,
  conditionOf,
  connectionConditions,
  type ConnectionCondition,
  type ConnectionConditionFacts,
} from './connection-condition.ts';
import type { SessionFailure } from './session-failure.ts';
import type { SessionOptions } from './session-options.ts';
import {
  canRetry,
  isConnecting,
  isFailed,
  isOperational,
  requiresUserAction,
  sessionStatuses,
  type SessionStatus,
} from './session-status.ts';
import { StepUp } from './step-up.ts';

/** What a session was about when it came to be in its condition. */
export type SessionPhase = 'connect' | 'handshake' | 'sign-in' | 'call' | 'reconnect';

const phases: Partial<Record<SessionStatus, SessionPhase>> = {
  CONNECTING: 'connect',
  AUTHENTICATING: 'handshake',
  AUTH_PENDING: 'sign-in',
  CONNECTED: 'call',
  RECONNECTING: 'reconnect',
};

/** What is wrong with a connection, if anything, with the evidence, and the way back. */
export interface ConditionReport extends ConnectionConditionFacts {
  readonly condition: ConnectionCondition;
  readonly status: SessionStatus;
  /** Of the error that it follows from. */
  readonly code?: PosternErrorCode | undefined;
  readonly evidence?: FailureEvidence | undefined;
  /** Until when nothing is tried again, in milliseconds since the epoch. Left out when that is over, or nobody asked for it. */
  readonly retryAtMs?: number | undefined;
  /** Left out where nothing is wrong. */
  readonly phase?: SessionPhase | undefined;
  /** Since when the session has been in its status. */
  readonly sinceMs: number;
}

/** Where a session is, and what that means. */
export abstract class SessionState {
  readonly server: string;
  /** Which of the context's accounts there. */
  readonly alias: string;
  readonly #options: SessionOptions;
  /** What only some call waits for. */
  protected readonly stepUp: StepUp = new StepUp();
  #status: SessionStatus = 'INITIALIZING';
  #sinceMs: number;
  #phase: SessionPhase | undefined;
  protected reason: PosternError | undefined;

  constructor(options: SessionOptions) {
    this.server = options.server;
    this.alias = options.alias;
    this.#options = options;
    this.#sinceMs = options.clock();
  }

  get status(): SessionStatus {
    return this.#status;
  }

  /** Why the session is in a failure state, or what a person has to do. */
  get error(): PosternError | undefined {
    return this.reason;
  }

  /** What is wrong, who acts next, and by which call the way leads back. From typed evidence, never from text. */
  get condition(): ConditionReport {
    const { status } = this;
    const nowMs = this.#options.clock();
    const error = (this.isOperational ? this.stepUp.at(nowMs) : undefined) ?? this.reason;
    const isClientConfigured = hasConfiguredClient(this.#options.config);
    const leftMs = (this.credentialEndsAtMs() ?? Number.POSITIVE_INFINITY) - nowMs;
    const condition = conditionOf({ status, error, isClientConfigured, leftMs });
    return {
      condition,
      ...connectionConditions[condition],
      actor: actorOf(condition, error),
      status,
      code: error?.code,
      evidence: error?.evidence,
      retryAtMs: laterThan(nowMs, error?.evidence?.retryAtMs),
      phase: error === undefined ? undefined : this.#phase,
      sinceMs: this.#sinceMs,
    };
  }

  get isOperational(): boolean {
    return isOperational(this.#status);
  }

  get isConnecting(): boolean {
    return isConnecting(this.#status);
  }

  get isFailed(): boolean {
    return isFailed(this.#status);
  }

  get canRetry(): boolean {
    return canRetry(this.#status);
  }

  get requiresUserAction(): boolean {
    return requiresUserAction(this.#status);
  }

  /** What to do in the present status. */
  get whatToDo(): string {
    return sessionStatuses[this.#status].whatToDo;
  }

  /** When what the session is used with ends, if nobody but its person can replace it. */
  protected abstract credentialEndsAtMs(): number | undefined;

  /** @throws {PosternError} ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL when the table has no such transition. */
  protected move(to: SessionStatus): void {
    const from = this.#status;
    if (!sessionStatuses[from].next.includes(to)) {
      throw new PosternError(
        'ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL',
        `a session cannot go from ${from} to ${to}`,
      );
    }
    this.#status = to;
    this.#sinceMs = this.#options.clock();
    this.#phase = phases[from] ?? this.#phase;
    this.#options.onStatus?.(this.server, to);
  }

  /** The server is there; as whom it is spoken to comes next. */
  protected answered(): void {
    if (this.#status === 'CONNECTING' || this.#status === 'RECONNECTING') this.move('AUTHENTICATING');
  }

  /** Goes where a failure leads, if it leads anywhere from here. */
  protected moveOnFailure(to: SessionFailure['status']): void {
    // What waits for a person before anything was sent, for want of a key, is about who this is all the same.
    if (to === 'AUTH_PENDING') this.answered();
    // Whoever was there a moment ago, and is not, has been lost.
    const isLost = to === 'SERVER_UNREACHABLE' && this.#status === 'CONNECTED';
    const status = isLost ? 'CONNECTION_FAILED' : to;
    if (this.#status !== status && sessionStatuses[this.#status].next.includes(status)) this.move(status);
  }
}

function laterThan(nowMs: number, atMs: number | undefined): number | undefined {
  return atMs !== undefined && atMs > nowMs ? atMs : undefined;
}

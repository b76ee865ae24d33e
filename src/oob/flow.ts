import type { Clock } from '../core/clock.ts';
import type { PosternErrorCode } from '../core/error-codes.ts';
import type { Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { PendingKind, Pending } from '../pending/pending.ts';

/** What is wanted of a person, when nobody has been asked yet. */
export interface FlowRequest {
  readonly resource: string;
  readonly alias: string;
  /** What is wanted now and what an earlier credential covers, so that a new one replaces it without loss. */
  readonly scopes: readonly string[];
  /** What is known already and is no secret: values to fill a form in with. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** How a flow starts: what its pending carries, and what is said to the person. */
export interface FlowStart {
  /** JSON; sealed in the pending, and gone when it ends. */
  readonly data: unknown;
  /** One sentence. It goes to the client, so it holds no secret and nothing personal. */
  readonly message: string;
  /** Default 10 minutes. */
  readonly ttlMs?: number | undefined;
}

/** A person at a flow's page, who was found to be the one it is for. */
export interface FlowVisit {
  readonly request: Request;
  readonly pending: Pending<FlowPendingData>;
  /** The address of this page, for its own forms and links; more of the path may follow, and comes back here. */
  readonly pageUrl: string;
  /** What follows the page's address in the path: `''`, or `/callback`. `/status` is answered before. */
  readonly rest: string;
  /** Where a page's script can ask whether the interaction has ended: `{ "status": "pending" }` while it has not. */
  readonly statusUrl: string;
  /** Where a third party sends the browser back to; the same for every pending, since it has to be registered there. */
  readonly callbackUrl: string;
  /** A state for a third party that leads back to this pending, and what to know this browser by when it comes back. */
  bindState(): Promise<{ state: string; browser: string }>;
  /** Whether this is the browser that `bindState` was called for. */
  isSameBrowser(browser: string): Promise<boolean>;
  /** A value of this browser and this pending only, for a form's hidden field `form-token`. */
  readonly formToken: string;
  /** Whether a form that was sent in is this page's own: method, origin, fetch metadata, token, size. @throws {PosternError} ERR_POSTERN_OOB_FORM_REFUSED */
  readForm(): Promise<URLSearchParams>;
  /**
   * Keeps the credential and ends the pending, in one commit. Resolves to what to answer the browser with.
   *
   * @param scopes what it was asked for with. Default: what the pending asks for.
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise; nothing is kept then.
   */
  finish(credential: unknown, scopes?: readonly string[]): Promise<Response>;
  cancel(): Promise<void>;
  fail(code: PosternErrorCode): Promise<void>;
  /**
   * Replaces the flow's own data. `change` is called with what is stored now, and again when that has changed meanwhile;
   * what it throws ends the update.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED, ERR_POSTERN_PENDING_EXPIRED
   */
  update(change: (data: unknown) => unknown): Promise<void>;
  /** Waits for the pending to end; `undefined` when it has not in that time. */
  ended(timeoutMs: number): Promise<Pending<FlowPendingData> | undefined>;
}

/** What work in the background of a flow can do. */
export interface FlowWatch {
  readonly pending: Pending<FlowPendingData>;
  /** Aborts when the pending has ended, when another process has taken over, or when this one stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves after that time, or at once when `signal` aborts. */
  readonly pause: (ms: number) => Promise<void>;
  /** As {@link FlowVisit.finish}. */
  readonly finish: (credential: unknown, scopes?: readonly string[]) => Promise<unknown>;
  readonly fail: (code: PosternErrorCode) => Promise<void>;
  readonly update: (change: (data: unknown) => unknown) => Promise<void>;
}

/** What the pending of a flow carries. */
export interface FlowPendingData {
  readonly flow: string;
  readonly message: string;
  readonly request: FlowRequest;
  readonly data: unknown;
}

/**
 * One way to get something from a person: a form, a code, a consent.
 *
 * It is found by name, so that a page or callback can be served by any process; whatever lasts is in its pending.
 */
export interface Flow<C = unknown> {
  readonly kind: PendingKind;
  /** Whether scopes that are added while the person is being asked still count. Otherwise they are asked for afterwards. */
  readonly widens?: boolean | undefined;
  /** Begins, for the one caller who asks the person. @throws {PosternError} when it cannot. */
  begin(request: FlowRequest, place: { readonly callbackUrl: string }): Promise<FlowStart>;
  /** Answers the browser. */
  visit(visit: FlowVisit): Promise<Response>;
  /** Runs in one process at a time while the pending lives; taken over when that process dies. */
  watch?(watch: FlowWatch): Promise<void>;
  /** Reads a stored credential back; `undefined` when it is no longer good, so that it is renewed or the person asked again. */
  read(stored: unknown): C | undefined;
  /** Renews a credential, where that needs nobody; `undefined` when it has ended for good. */
  renew?(stored: unknown): Promise<unknown>;
  /** Gives back at its issuer what was obtained and could not be kept. Best effort. */
  discard?(stored: unknown): Promise<unknown>;
}

/** A flow under the name it is registered by, so that any process can carry it on. */
export interface NamedFlow<C = unknown> {
  readonly name: string;
  readonly flow: Flow<C>;
}

/** A live pending's data. @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it has ended, and forgotten it. */
export function dataOf(pending: Pending<FlowPendingData>): FlowPendingData {
  if (pending.data !== undefined) return pending.data;
  throw new PosternError('ERR_POSTERN_PENDING_ALREADY_FINISHED', 'the interaction had ended already');
}

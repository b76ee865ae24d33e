import type { Clock } from '../core/clock.ts';
import type { PosternErrorCode } from '../core/error-codes.ts';
import type { Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { Pending, PendingKind } from '../pending/pending.ts';
import type { Account, CredentialKind } from './credential-kind.ts';
import type { Gate } from './gates/gate.ts';
import type { PasteProblem } from './ladder/pasted-address.ts';
import type { Want } from './want.ts';

/** What is wanted of a person, as their pending remembers it. */
export interface FlowRequest extends Pick<Want, 'resource' | 'alias' | 'details' | 'loginHint'> {
  /** What is asked for: what is wanted, and what an earlier credential covers, so that a new one replaces it without loss. */
  readonly scopes: readonly string[];
}

/** What a flow begins with, for the one caller who asks the person. */
export interface FlowBeginning extends FlowRequest, Pick<Want, 'cause'> {
  /** The store's time, by which what is stored begins and ends. */
  readonly clock: Clock;
  readonly gate: Pick<Gate, 'clientMetadataUrl'>;
  /** Whose the credential before was, as far as is known: the next one is to be theirs, too. */
  readonly account?: Account | undefined;
  /** Where a third party sends browsers back to; the same for every pending, since it has to be registered there. */
  readonly callbackUrl: string;
}

/** How a flow starts: what its pending carries, and what is said to the person. */
export interface FlowStart {
  /** JSON; sealed in the pending, and gone when it ends. */
  readonly data: unknown;
  /** One sentence. It goes to the client, so it holds no secret and nothing personal. */
  readonly message: string;
  /** What is asked for, where the flow knows better than its caller. */
  readonly scopes?: readonly string[] | undefined;
  /** Default 10 minutes. */
  readonly ttlMs?: number | undefined;
}

/** What the pending of an interaction carries. */
export interface InteractionData {
  readonly flow: string;
  readonly message: string;
  readonly request: FlowRequest;
  /** What callers have asked for, without what the flow and an earlier credential have added. What a decline is about. */
  readonly wanted: readonly string[];
  /** As of the latest call that needed it. */
  readonly metadata?: unknown;
  /** The flow's own. */
  readonly data: unknown;
}

/** What can be done about a pending, by whoever carries its flow on. */
export interface FlowHands {
  /**
   * Keeps the credential and ends the pending, in one commit.
   *
   * @param scopes what it was asked for with. Default: what the pending asks for.
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise; nothing is kept then.
   */
  readonly finish: (credential: unknown, scopes?: readonly string[]) => Promise<'in time' | 'late'>;
  /** Ends it without a credential: with `ERR_POSTERN_AUTH_DENIED`, because the person said no. */
  readonly fail: (code: PosternErrorCode) => Promise<void>;
  /**
   * Replaces the flow's own data. `change` is called with what is stored now, and again when that has changed meanwhile;
   * what it throws ends the update.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED, ERR_POSTERN_PENDING_EXPIRED
   */
  readonly update: (change: (data: unknown) => unknown) => Promise<void>;
}

/** What a browser brought back from a third party, to an attempt that is still open. */
export interface Answer {
  /** What was remembered when the browser went out. */
  readonly attempt: unknown;
  readonly params: URLSearchParams;
  /**
   * Takes the attempt: from here it is this request's alone, and what it leads to is not sent twice.
   *
   * @throws {PosternError} ERR_POSTERN_AUTH_STATE_USED when another request took it.
   */
  readonly take: () => Promise<void>;
}

/** A person at a flow's page, who was found to be the one it is for. */
export interface FlowVisit extends Omit<FlowHands, 'finish'> {
  readonly request: Request;
  readonly pending: Pending<InteractionData>;
  /** The store's time, by which what is stored begins and ends. */
  readonly clock: Clock;
  /** The address of this page, for its own forms and links; more of the path may follow, and comes back here. */
  readonly pageUrl: string;
  /** What follows the page's address in the path. `/status` is answered before. */
  readonly rest: string;
  /** Where a page's script can ask whether the interaction has ended: `{ "status": "pending" }` while it has not. */
  readonly statusUrl: string;
  readonly callbackUrl: string;
  /** Whether the person certainly came here by themselves: no prefetch, preview, frame or script. */
  readonly isOwnNavigation: boolean;
  /** Set when the browser is back from where {@link sendOut} sent it. */
  readonly answer?: Answer | undefined;
  /** A value of this browser, this pending and this answer only, for a form's hidden field `form-token`. */
  readonly formToken: string;
  /** Whether a form that was sent in is this page's own: method, origin, fetch metadata, token, size. @throws {PosternError} ERR_POSTERN_OOB_FORM_REFUSED */
  readForm(): Promise<URLSearchParams>;
  /**
   * Takes the address that a third party has sent the person's browser to, and that it could not reach, as the callback
   * takes it: by its state, from this person and this browser, once. A problem has changed nothing.
   */
  paste(
    address: string,
  ): Promise<
    { readonly answer: Answer } | { readonly problem: PasteProblem } | { readonly response: Response }
  >;
  /** Before anything is asked of a third party. @throws {PosternError} ERR_POSTERN_OOB_LIMIT as {@link sendOut} */
  assertMayGoOut(): Promise<void>;
  /**
   * Sends this browser to a third party. What it brings back, under this state, comes to the flow as an {@link Answer}.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when this link was followed too often.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED on a GET that is not {@link isOwnNavigation}: that one shows a page.
   */
  sendOut(to: { url: string; state: string; attempt: unknown }): Promise<Response>;
  /** The pending as it is by now; `undefined` when it is long gone. */
  look(): Promise<Pending<InteractionData> | undefined>;
  /** Whether somebody followed this link to a third party before, and has not come back from there. */
  readonly wasSentInVain: () => Promise<boolean>;
  /** {@link FlowHands.finish}; resolves to what to answer the browser with. */
  finish(credential: unknown, scopes?: readonly string[]): Promise<Response>;
  /**
   * What to answer, and what to do about the pending, when carrying it on has failed. Where a retry may help, it stays open.
   *
   * @param options `staysOpen`: the flow knows that a retry may help.
   */
  failed(error: unknown, options?: { readonly staysOpen?: boolean }): Promise<Response>;
}

/** What work in the background of a flow can do. */
export interface FlowWatch extends FlowHands {
  readonly pending: Pending<InteractionData>;
  /** Aborts when the pending has ended, when another process has taken over, or when this one stops. */
  readonly signal: AbortSignal;
  /** The store's time, by which what is stored begins and ends. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves after that time, or at once when `signal` aborts. */
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * One way to get something from a person: a form, a code, a consent.
 *
 * It is found by name, so that a page or callback can be served by any process; whatever lasts is in its pending.
 */
export interface Flow<C = unknown> {
  readonly kind: PendingKind;
  /** What it leads to. */
  readonly credential: CredentialKind<C>;
  /** How long one of its requests to another party may take. A lease must outlast two of them. */
  readonly requestMs?: number | undefined;
  /** Whether scopes that are added while the person is being asked still count. Otherwise they are asked for afterwards. */
  readonly widens?: boolean | undefined;
  /** Whether its page's button sends the person to a third party, from where an answer comes back. */
  readonly goesOut?: boolean | undefined;
  /** Begins, for the one caller who asks the person. @throws {PosternError} when it cannot. */
  begin(beginning: FlowBeginning): Promise<FlowStart>;
  /** Answers the browser. */
  visit(visit: FlowVisit): Promise<Response>;
  /** Whether there is something to do in the background for a pending that carries this. Default: there always is. */
  hasWork?(data: unknown): boolean;
  /** Runs in one process at a time while the pending lives; taken over when that process dies. */
  watch?(watch: FlowWatch): Promise<void>;
}

/** A flow under the name it is registered by, so that any process can carry it on. */
export interface NamedFlow<C = unknown> {
  readonly name: string;
  readonly flow: Flow<C>;
}

/** A live pending's data. @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it has ended, and forgotten it. */
export function dataOf(pending: Pending<InteractionData>): InteractionData {
  if (pending.data !== undefined) return pending.data;
  throw new PosternError('ERR_POSTERN_PENDING_ALREADY_FINISHED', 'the interaction had ended already');
}

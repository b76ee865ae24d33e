import type { PosternErrorCode } from '../core/error-codes.ts';
import type { Pending } from '../pending/pending.ts';
import type { Change } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';

/** What a sign-in's pending carries. */
export interface SignIn {
  readonly server: string;
  /** The completion handler that carries it on, by name, in whichever process the callback lands. */
  readonly handler: string;
  /** The handler's own data. */
  readonly flow: unknown;
  /** The scopes the person will be asked for. */
  readonly scopes: readonly string[];
  /** The context's metadata, as of the latest call that needed the sign-in. Never used for routing. */
  readonly metadata: unknown;
}

/** What happened, for subscribers. */
export interface CompletionEvent {
  readonly contextId: string;
  readonly server: string;
  readonly pendingId: string;
  readonly success: boolean;
  /** Why not. */
  readonly failure?: PosternErrorCode | undefined;
  readonly metadata: unknown;
}

/** Is told of every completion that this process handles, after the browser was answered. */
export interface CompletionSubscriber {
  onCompletion(event: CompletionEvent): void | Promise<void>;
}

/** Where the person is sent, and what must be remembered until they come back. */
export interface StartedAttempt {
  readonly url: string;
  readonly state: string;
  /** JSON; sealed, used once. */
  readonly attempt: unknown;
}

/** What a finished attempt has to write, together with the end of its pending. */
export interface CompletedAttempt {
  readonly changes: readonly Change[];
  /** Takes back at the other side what could not be written down here. */
  undo?(): Promise<void>;
}

/** Carries one kind of sign-in through the browser. Found by name, so that any process can do it. */
export interface CompletionHandler {
  /** The person has opened the link and is who they must be: where to now? */
  start(flow: { readonly pending: Pending<SignIn>; readonly redirectUri: string }): Promise<StartedAttempt>;

  /**
   * The person is back, with a genuine answer to this attempt. Throws a `PosternError` to fail the pending;
   * `ERR_POSTERN_AUTH_DENIED` cancels it.
   */
  complete(flow: {
    readonly pending: Pending<SignIn>;
    readonly attempt: unknown;
    readonly params: URLSearchParams;
    /** The whole of the namespace. */
    readonly storage: NamespacedStorage;
  }): Promise<CompletedAttempt>;
}

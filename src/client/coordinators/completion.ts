import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { PendingKind, PendingStatus } from '../../pending/pending.ts';
import type { KeptAccount } from '../kept-account.ts';

/** What a person is asked for, for subscribers: never a code, a state or a credential. */
export interface SignInEvent {
  readonly contextId: string;
  readonly server: string;
  /** Which of the context's accounts there. */
  readonly alias: string;
  readonly pendingId: string;
  readonly kind: PendingKind;
  /** The host's own, as of the latest call that needed the sign-in. */
  readonly metadata: unknown;
}

/** A person is asked from now on. */
export interface StartEvent extends SignInEvent {
  /** The link, which checks who opens it. */
  readonly url: string;
  readonly expiresAtMs: number;
}

/** How it ended. */
export interface CompletionEvent extends SignInEvent {
  readonly success: boolean;
  readonly status: Exclude<PendingStatus, 'pending'>;
  /** Why not. */
  readonly failure?: PosternErrorCode | undefined;
  /** What is kept since, without the credential itself: whose account it is, which scopes, until when. */
  readonly result?: KeptAccount | undefined;
}

export interface CompletionSubscriber {
  /** Is told of every end, after the browser was answered. */
  onCompletion(event: CompletionEvent): void | Promise<void>;
  /** Is told of every sign-in that a person is asked for. */
  onStart?(event: StartEvent): void | Promise<void>;
}

/** Of what a subscriber is told. */
export interface SubscribeOptions {
  /**
   * Of what happens in any process on the store, also to sign-ins whose processes are gone, and those that nobody finished
   * in time. Each process that subscribes like this is told, once: for pages that show what is connected, not for
   * messages that are to be sent once. Default: of what this process brings about.
   */
  readonly everywhere?: boolean | undefined;
}

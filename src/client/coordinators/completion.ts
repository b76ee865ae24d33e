import type { PosternErrorCode } from '../../core/error-codes.ts';

/** What happened, for subscribers. */
export interface CompletionEvent {
  readonly contextId: string;
  readonly server: string;
  /** Which of the context's accounts there. */
  readonly alias: string;
  readonly pendingId: string;
  readonly success: boolean;
  /** Why not. */
  readonly failure?: PosternErrorCode | undefined;
  readonly metadata: unknown;
}

/** Is told of every end that this process brings about, after the browser was answered. */
export interface CompletionSubscriber {
  onCompletion(event: CompletionEvent): void | Promise<void>;
}

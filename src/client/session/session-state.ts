import { PosternError } from '../../core/postern-error.ts';
import {
  canRetry,
  isConnecting,
  isFailed,
  isOperational,
  requiresUserAction,
  sessionStatuses,
  type SessionStatus,
} from './session-status.ts';

/** Where a session is, and what that means. */
export abstract class SessionState {
  #status: SessionStatus = 'INITIALIZING';

  get status(): SessionStatus {
    return this.#status;
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

  /** Is told of every move. */
  protected abstract moved(to: SessionStatus): void;

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
    this.moved(to);
  }
}

import { errorCodes, type ErrorCodeFacts, type PosternErrorCode } from './error-codes.ts';

const brand: symbol = Symbol.for('postern.error');

/** What {@link PosternError} takes beside its code and message. */
export interface PosternErrorOptions extends ErrorOptions {
  /** The next action for the person who reads it, in one sentence. */
  readonly hint?: string | undefined;
}

/**
 * The one error type of Postern. Branch on `code`, never on the message.
 *
 * `message` is for developers and names the thing that failed; `hint` tells a person what to do next.
 * Neither ever holds a token, a code, a state or a full URL.
 */
export class PosternError extends Error {
  override readonly name: string = 'PosternError';
  readonly code: PosternErrorCode;
  readonly hint: string | undefined;

  constructor(code: PosternErrorCode, message: string, options: PosternErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Meaning, who can fix it, whether a retry is safe, HTTP status and exit code. */
  get facts(): ErrorCodeFacts {
    return errorCodes[this.code];
  }

  toJSON(): { name: string; code: PosternErrorCode; message: string; hint?: string } {
    const { name, code, message, hint } = this;
    return hint === undefined ? { name, code, message } : { name, code, message, hint };
  }
}

/** Whether a value is a {@link PosternError}, even one made by another copy of this package. */
export function isPosternError<C extends PosternErrorCode = PosternErrorCode>(
  value: unknown,
  code?: C,
): value is PosternError & { readonly code: C } {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as PosternError).code === code;
}

/**
 * The first {@link PosternError} in a chain of causes, or `undefined`.
 *
 * Libraries below us wrap what our own `fetch` throws; the cause chain is how it is found again.
 */
export function findPosternError(value: unknown): PosternError | undefined {
  let current = value;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    if (isPosternError(current)) return current;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}

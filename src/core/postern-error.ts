import { errorCodes, type ErrorCodeFacts, type FixedBy, type PosternErrorCode } from './error-codes.ts';
import type { FailureEvidence } from './failure-evidence.ts';

const brand: symbol = Symbol.for('postern.error');

/** How many links of a chain of causes are followed. A chain may lead back to itself. */
const maxCauses = 8;

/** `ECONNRESET`, `UND_ERR_SOCKET`: the form of a code that a program chose, which no code of a person's sign-in has. */
const conventionalCode = /^(?:E[A-Z0-9]{2,30}|[A-Z0-9]{2,20}(?:_[A-Z0-9]{1,20}){1,6})$/u;

/** What {@link PosternError} takes beside its code and message. */
export interface PosternErrorOptions extends ErrorOptions {
  /** The next action for the person who reads it, in one sentence. */
  readonly hint?: string | undefined;
  /** What was seen of the other side. */
  readonly evidence?: FailureEvidence | undefined;
}

/** What a {@link PosternError} becomes in JSON. */
export interface PosternErrorJson {
  readonly name: string;
  readonly code: PosternErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** Who must act. */
  readonly actor: FixedBy;
  readonly evidence?: FailureEvidence;
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
  readonly evidence: FailureEvidence | undefined;

  constructor(code: PosternErrorCode, message: string, options: PosternErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.evidence = options.evidence;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Meaning, who can fix it, whether a retry is safe, HTTP status and exit code. */
  get facts(): ErrorCodeFacts {
    return errorCodes[this.code];
  }

  toJSON(): PosternErrorJson {
    const { name, code, message, hint, evidence, facts } = this;
    return {
      name,
      code,
      message,
      ...(hint !== undefined && { hint }),
      actor: facts.fixedBy,
      ...(evidence !== undefined && { evidence }),
    };
  }

  static {
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: PosternError): string {
        return inspected(this);
      },
    });
  }
}

/**
 * What a console prints. Other people's errors in the chain of causes show their type, code and frames, and no more:
 * their messages and fields may quote what a server sent.
 */
function inspected(error: PosternError): string {
  const hint = error.hint === undefined ? '' : `\n  hint: ${error.hint}`;
  return `${error.name} [${error.code}]: ${error.message}${hint}${framesOf(error)}${describeCauses(error)}`;
}

function describeCauses(error: Error): string {
  let text = '';
  let cause = error.cause;
  for (let depth = 0; depth < maxCauses && cause !== undefined; depth++) {
    const kind = isPosternError(cause)
      ? `${cause.name} [${cause.code}]: ${cause.message}`
      : describeForeign(cause);
    text += `\n  caused by ${kind}${framesOf(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

function describeForeign(cause: unknown): string {
  if (!(cause instanceof Error)) return `a thrown ${typeof cause}`;
  const name = /^\w{1,60}$/u.test(cause.name) ? cause.name : 'Error';
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' && conventionalCode.test(code) ? `${name} [${code}]` : name;
}

/** The frames of a stack, without the message above them. */
function framesOf(error: unknown): string {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return '';
  const { message, stack } = error;
  const start = stack.indexOf(message);
  const below = start === -1 ? stack : stack.slice(start + message.length);
  return below
    .split('\n')
    .filter((line) => /^ {4}at [^\n]*(?::\d+:\d+|native|<anonymous>|index \d+)\)?$/u.test(line))
    .map((line) => `\n${line}`)
    .join('');
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
  for (let depth = 0; depth < maxCauses && typeof current === 'object' && current !== null; depth++) {
    if (isPosternError(current)) return current;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}

/** What a call is known by. Numbers are safe integers: others would not come back as they were sent. */
export type MessageId = string | number;

interface MessageBase {
  /** The JSON that it was read from, where it was read from text. It has no line break outside its strings. */
  readonly text?: string;
}

/** Asks for an answer. */
export interface RequestMessage extends MessageBase {
  readonly kind: 'request';
  readonly id: MessageId;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Is not answered. */
export interface NotificationMessage extends MessageBase {
  readonly kind: 'notification';
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** An answer. Its result may be anything, as whoever asked knows what to make of it. */
export interface ResultMessage extends MessageBase {
  readonly kind: 'result';
  readonly id: MessageId;
  readonly result: unknown;
}

/** The other answer. Without an id it is about a message whose id could not be read. */
export interface ErrorMessage extends MessageBase {
  readonly kind: 'error';
  readonly id?: MessageId;
  readonly error: RpcError;
}

/** The `error` of JSON-RPC 2.0. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type Message = RequestMessage | NotificationMessage | ResultMessage | ErrorMessage;

/** What is no message, and why. */
export interface Refusal {
  readonly kind: 'refused';
  /** For an answer: -32700 for what is no JSON, -32600 for JSON that is no message. */
  readonly code: -32700 | -32600;
  /** One clause, without anything of what was sent. */
  readonly reason: string;
  /** Whose answer it was meant to be, or who asked, where that much could be read: a call that would wait in vain otherwise. */
  readonly id?: MessageId;
}

/** The codes of JSON-RPC 2.0 and of MCP that more than one part answers with. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  serverError: -32000,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedVersion: -32022,
  urlElicitationRequired: -32042,
} as const;

/** Whether a value is what a call may be known by. */
export function isMessageId(value: unknown): value is MessageId {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

/**
 * Reads a message of JSON-RPC 2.0 as MCP has them: no batches, parameters by name, ids that are strings or safe integers.
 *
 * Members that JSON-RPC does not know are left alone. Never throws.
 */
export function readMessage(value: unknown, text?: string): Message | Refusal {
  if (Array.isArray(value)) return refusal('a batch; messages are sent one by one');
  if (!isObject(value)) return refusal('not an object');
  const { jsonrpc, id, method, params } = value;
  const known = isMessageId(id) ? id : undefined;
  const refuse = (reason: string): Refusal => refusal(reason, known);
  if (jsonrpc !== '2.0') return refuse('"jsonrpc" is not "2.0"');
  const base = text === undefined ? {} : { text };
  if (Object.hasOwn(value, 'method')) {
    if (typeof method !== 'string') return refuse('"method" is not a string');
    if (has(value, 'result') || has(value, 'error')) return refuse('both a question and an answer');
    if (params !== undefined && !isObject(params)) return refuse('"params" is not an object');
    const asked = { method, ...(params !== undefined && { params }) };
    if (!Object.hasOwn(value, 'id')) return { kind: 'notification', ...asked, ...base };
    if (known === undefined) return refuse('"id" is neither a string nor a safe integer');
    return { kind: 'request', id: known, ...asked, ...base };
  }
  if (has(value, 'error')) return readError(value, known, base);
  if (!has(value, 'result')) return refuse('neither a method, a result nor an error');
  if (known === undefined) return refuse('"id" is neither a string nor a safe integer');
  return { kind: 'result', id: known, result: value['result'], ...base };
}

/** Reads a message from JSON text, which it keeps, so that whoever hands it on need not write it anew. Never throws. */
export function readMessageText(text: string): Message | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'refused', code: rpcCodes.parseError, reason: 'not JSON' };
  }
  // Outside strings a line break is blank space, and within them JSON has none.
  return readMessage(value, /[\r\n]/u.test(text) ? text.trim().replaceAll(/[\r\n]/gu, ' ') : text);
}

/** The JSON of an answer that is an error. */
export function errorText(id: MessageId | null, error: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

/** The JSON of an answer. */
export function resultText(id: MessageId, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** A value as an object with members, which an array is not. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readError(
  value: Readonly<Record<string, unknown>>,
  id: MessageId | undefined,
  base: { readonly text?: string },
): ErrorMessage | Refusal {
  const { error } = value;
  if (has(value, 'result')) return refusal('both a result and an error', id);
  if (id === undefined && value['id'] !== undefined && value['id'] !== null) {
    return refusal('"id" is neither a string nor a safe integer');
  }
  if (!isObject(error)) return refusal('"error" is not an object', id);
  const { code, message } = error;
  if (!Number.isSafeInteger(code) || typeof message !== 'string') {
    return refusal('"error" has no code that is an integer, or no message', id);
  }
  const shown = { code: code as number, message, ...(has(error, 'data') && { data: error['data'] }) };
  return { kind: 'error', ...(id !== undefined && { id }), error: shown, ...base };
}

/** Own members alone: `__proto__` in JSON is a member like any other. */
function has(value: object, name: string): boolean {
  return Object.hasOwn(value, name) && (value as Record<string, unknown>)[name] !== undefined;
}

function refusal(reason: string, id?: MessageId): Refusal {
  return { kind: 'refused', code: rpcCodes.invalidRequest, reason, ...(id !== undefined && { id }) };
}

import { errorText, rpcCodes, type MessageId, type RpcError } from '../../wire/message.ts';
import type { EventStream } from './event-stream.ts';

/** The headers of a request, by their names in lower case. */
export interface RequestHeaders {
  get(name: string): string | undefined;
  has(name: string): boolean;
}

/**
 * What a request is answered with. Written by `node:http` as it is: the objects of fetch would cost as much as all the rest
 * of a call.
 */
export class HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | EventStream;

  constructor(
    status: number,
    headers: Readonly<Record<string, string>> = {},
    body: string | EventStream = '',
  ) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** A message of JSON-RPC as an answer of HTTP. */
export function jsonAnswer(
  text: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return new HttpAnswer(status, { 'content-type': 'application/json', ...headers }, text);
}

/** An error of JSON-RPC as an answer of HTTP. */
export function errorAnswer(
  status: number,
  error: RpcError,
  id: MessageId | null = null,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return jsonAnswer(errorText(id, error), status, headers);
}

/**
 * The HTTP status of an answer in the revision 2026-07-28.
 *
 * @see MCP 2026-07-28, basic/index, Errors
 */
export function statusOfError(code: number): number {
  if (code === rpcCodes.methodNotFound) return 404;
  const isBadRequest =
    code === rpcCodes.headerMismatch ||
    code === rpcCodes.missingClientCapability ||
    code === rpcCodes.unsupportedVersion;
  return isBadRequest ? 400 : 200;
}

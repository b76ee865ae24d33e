import { errorText, rpcCodes, type MessageId, type RpcError } from '../../wire/message.ts';

/** A message of JSON-RPC as an answer of HTTP. */
export function jsonResponse(
  text: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** An error of JSON-RPC as an answer of HTTP. */
export function errorResponse(
  status: number,
  error: RpcError,
  id: MessageId | null = null,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return jsonResponse(errorText(id, error), status, headers);
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

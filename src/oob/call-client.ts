import {
  CLIENT_CAPABILITIES_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SdkError,
  SdkErrorCode,
  type ClientCapabilities,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';

/**
 * How the client of a call can be told that a person is needed.
 *
 * - `input-required`: revision 2026-07-28, and it shows links.
 * - `session`: an older revision; it can be sent a request, and answers with an error when it shows no links.
 * - `error`: an older revision, each request alone, so that nobody knows what the client can do.
 * - `none`: revision 2026-07-28, and it shows no links.
 */
export type CallClient = 'input-required' | 'session' | 'error' | 'none';

export function callClientOf({ mcpReq, http, sessionId }: ServerContext): CallClient {
  // The SDK has checked its shape; its type does not name the keys.
  const envelope = (mcpReq.envelope ?? {}) as Readonly<Record<string, unknown>>;
  if (envelope[PROTOCOL_VERSION_META_KEY] !== undefined) {
    const capabilities = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
    return capabilities?.elicitation?.url === undefined ? 'none' : 'input-required';
  }
  return http?.req !== undefined && sessionId === undefined ? 'error' : 'session';
}

/**
 * The context of a call, in which a request that its client cannot answer fails at once, and is not sent.
 *
 * The SDK says it of elicitations and, in the revision 2026-07-28, of everything. What a client of an older session can
 * do besides, only its server knows: without it, the client's own refusal is the answer.
 */
export function sendableContext(mcp: ServerContext, server: McpServer | undefined): ServerContext {
  const { mcpReq } = mcp;
  const isAlone = callClientOf(mcp) === 'error';
  const assertSendable = (method: string): void => {
    const cannotSample =
      method === 'sampling/createMessage' &&
      server !== undefined &&
      server.server.getClientCapabilities()?.sampling === undefined;
    if (isAlone || cannotSample)
      throw new SdkError(SdkErrorCode.CapabilityNotSupported, `the client cannot be sent ${method}`);
  };
  const send = async (...call: Parameters<typeof mcpReq.send>) => {
    assertSendable(call[0].method);
    return mcpReq.send(...call);
  };
  const requestSampling: typeof mcpReq.requestSampling = async (params, options) => {
    assertSendable('sampling/createMessage');
    return mcpReq.requestSampling(params, options);
  };
  return { ...mcp, mcpReq: { ...mcpReq, send: send as typeof mcpReq.send, requestSampling } };
}

import {
  CLIENT_CAPABILITIES_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  type ClientCapabilities,
  type McpServer,
  type RequestOptions,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { answerOf, type AnswerLimits } from './client-answer.ts';

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

/** Whether it is known to show its person a link that it is sent, so that no words are needed for that. */
export async function showsLinks(mcp: ServerContext): Promise<boolean> {
  const client = callClientOf(mcp);
  if (client !== 'session') return client === 'input-required';
  const probe = { mode: 'url' as const, message: '', url: 'http://127.0.0.1/', elicitationId: 'none' };
  // Nothing is sent for a signal that has aborted; whether it might be is said before.
  const sent = mcp.mcpReq.elicitInput(probe, { signal: AbortSignal.abort() });
  return sent.then(
    () => true,
    (error: unknown) => !isRefusal(error) && !isPosternError(error, 'ERR_POSTERN_OOB_UNSUPPORTED'),
  );
}

/** What only some clients answer. */
const features: ReadonlySet<string> = new Set(['sampling/createMessage', 'elicitation/create', 'roots/list']);

/**
 * The context of a call, in which a request that its client cannot answer fails at once, and, where that can be known, is
 * not sent.
 *
 * What the client of an older session can do, only its server knows. The SDK has it say so of elicitations; of the rest, the
 * client's own refusal is the answer where no server is given.
 *
 * What fails so is a PosternError ERR_POSTERN_OOB_UNSUPPORTED, in the revision 2026-07-28 the SDK's own error. A client that
 * can, and does not answer, is ERR_POSTERN_OOB_CLIENT_SILENT.
 */
export function sendableContext(
  mcp: ServerContext,
  server: McpServer | undefined,
  limits: AnswerLimits,
): ServerContext {
  const { mcpReq } = mcp;
  const client = callClientOf(mcp);
  const capabilities = client === 'session' ? server?.server.getClientCapabilities() : undefined;
  const assertSendable = async (method: string, params?: object): Promise<void> => {
    const isLacking =
      (method === 'sampling/createMessage' &&
        capabilities !== undefined &&
        capabilities.sampling === undefined) ||
      (method === 'roots/list' && capabilities !== undefined && capabilities.roots === undefined);
    if (features.has(method) && (client === 'error' || isLacking)) throw unsupported(method);
    if (client !== 'session' || method !== 'elicitation/create') return;
    // Nothing is sent for a signal that has aborted; whether it might be is said before.
    const asked = params as Parameters<typeof mcpReq.elicitInput>[0];
    await mcpReq.elicitInput(asked, { signal: AbortSignal.abort() }).catch((error: unknown) => {
      if (isRefusal(error)) throw unsupported(method, error);
    });
  };
  const asking = async <T>(
    method: string,
    options: RequestOptions | undefined,
    send: (options: RequestOptions | undefined) => Promise<T>,
    params?: object,
  ): Promise<T> => {
    await assertSendable(method, params);
    if (!features.has(method)) return send(options);
    try {
      return await (client === 'session' ? answerOf(mcp, limits, method, options, send) : send(options));
    } catch (error) {
      throw isRefusal(error) ? unsupported(method, error) : error;
    }
  };
  // With a schema for the answer before the options, or without.
  const send = async (request: Parameters<typeof mcpReq.send>[0], ...rest: unknown[]): Promise<unknown> => {
    const [schema, given] = rest.length > 1 || isSchema(rest[0]) ? [[rest[0]], rest[1]] : [[], rest[0]];
    const sent = (options: RequestOptions | undefined): Promise<unknown> =>
      (mcpReq.send as (...call: unknown[]) => Promise<unknown>)(request, ...schema, options);
    return asking(request.method, given as RequestOptions | undefined, sent, request.params);
  };
  const requestSampling: typeof mcpReq.requestSampling = (params, options) =>
    asking('sampling/createMessage', options, (own) => mcpReq.requestSampling(params, own));
  const elicitInput: typeof mcpReq.elicitInput = (params, options) =>
    asking('elicitation/create', options, (own) => mcpReq.elicitInput(params, own), params);
  return {
    ...mcp,
    mcpReq: { ...mcpReq, send, requestSampling, elicitInput },
  };
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '~standard' in value;
}

/** Whether the SDK, or the client itself, says that it has no such thing. */
function isRefusal(error: unknown): boolean {
  return (
    (SdkError.isInstance(error) && error.code === SdkErrorCode.CapabilityNotSupported) ||
    (ProtocolError.isInstance(error) && error.code === (ProtocolErrorCode.MethodNotFound as number))
  );
}

function unsupported(method: string, cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_OOB_UNSUPPORTED', `the client cannot be sent ${method}`, {
    cause,
    hint: 'Use a client that can do this, or one that keeps a session.',
  });
}

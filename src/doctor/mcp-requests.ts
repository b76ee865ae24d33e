import type { McpAnswer, McpAsk } from './mcp-exchange.ts';
import type { Step } from './step.ts';

/** The revision whose requests stand for themselves, and the newest before it. */
export const modernVersion = '2026-07-28';
export const legacyVersion = '2025-11-25';

const clientInfo = { name: 'postern-doctor', version: '1' };

/** What a client of ours takes up with people: questions in a form, and at a link. */
const clientCapabilities: Readonly<Record<string, unknown>> = { elicitation: { form: {}, url: {} } };

/** A tool that no server has: whether it is refused, and for what, is all that is asked. */
const noTool = 'postern-doctor-asks-only-whether-this-is-guarded';

/** A handshake of the older era. */
export function initializeAsk(capabilities: Readonly<Record<string, unknown>> = clientCapabilities): McpAsk {
  return {
    method: 'POST',
    purpose: 'initialize',
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: legacyVersion, capabilities, clientInfo },
    },
  };
}

type Method = 'server/discover' | 'tools/list' | 'tools/call';

/** A request of the newer era. */
function modernAsk(method: Method, params: Readonly<Record<string, unknown>> = {}): McpAsk {
  return {
    method: 'POST',
    purpose: method,
    headers: {
      'mcp-protocol-version': modernVersion,
      'mcp-method': method,
      ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
    },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': modernVersion,
          'io.modelcontextprotocol/clientCapabilities': clientCapabilities,
          'io.modelcontextprotocol/clientInfo': clientInfo,
        },
      },
    },
  };
}

export function discoverAsk(): McpAsk {
  return modernAsk('server/discover');
}

/** A request as this server takes it: in the era that it speaks, in the session that its handshake has begun. */
export function requestAsk({ known }: Pick<Step, 'known'>, method: 'tools/list' | 'tools/call'): McpAsk {
  const params = method === 'tools/call' ? { name: noTool, arguments: {} } : {};
  if (known.modernVersions !== undefined) return modernAsk(method, params);
  return {
    method: 'POST',
    purpose: method,
    headers: sessionHeaders(known),
    body: { jsonrpc: '2.0', id: 2, method, params },
  };
}

/** The notification that ends a handshake. Some servers answer nothing before it. */
export function initializedAsk({ known }: Pick<Step, 'known'>): McpAsk {
  return {
    method: 'POST',
    purpose: 'notifications/initialized',
    headers: sessionHeaders(known),
    body: { jsonrpc: '2.0', method: 'notifications/initialized' },
  };
}

/** Takes leave of a session, so that the server need not keep it. */
export function leaveAsk({ known }: Pick<Step, 'known'>): McpAsk | undefined {
  const headers = sessionHeaders(known);
  if (headers['mcp-session-id'] === undefined) return undefined;
  return { method: 'DELETE', purpose: 'end of the session', headers };
}

function sessionHeaders(known: Step['known']): Record<string, string> {
  const session = known.initialize?.response.headers.get('mcp-session-id');
  return {
    ...(known.legacyVersion !== undefined && { 'mcp-protocol-version': known.legacyVersion }),
    ...(session !== null && session !== undefined && { 'mcp-session-id': session }),
  };
}

/** Whether an answer says that credentials are wanted, or others than were sent. */
export function isRefusal({ status, response }: Pick<McpAnswer, 'status' | 'response'>): boolean {
  return status === 401 || (status === 403 && response.headers.has('www-authenticate'));
}

/** An error of JSON-RPC in words, without the server's own. */
export function describeAnswer(answer: McpAnswer): string {
  const { status, message, problem } = answer;
  if (isRefusal(answer)) return `status ${status}`;
  if (message?.kind === 'error') return `status ${status}, error ${message.error.code}`;
  if (message?.kind === 'result') return `status ${status}, a result`;
  return `status ${status}, ${problem ?? 'nothing'}`;
}

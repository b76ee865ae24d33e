import {
  CLIENT_CAPABILITIES_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  type ClientCapabilities,
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
export type ToolClient = 'input-required' | 'session' | 'error' | 'none';

export function toolClientOf({ mcpReq, http, sessionId }: ServerContext): ToolClient {
  // The SDK has checked its shape; its type does not name the keys.
  const envelope = (mcpReq.envelope ?? {}) as Readonly<Record<string, unknown>>;
  if (envelope[PROTOCOL_VERSION_META_KEY] !== undefined) {
    const capabilities = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
    return capabilities?.elicitation?.url === undefined ? 'none' : 'input-required';
  }
  return http?.req !== undefined && sessionId === undefined ? 'error' : 'session';
}

import { setTimeout as sleep } from 'node:timers/promises';
import { answerMessage, type MinimalMcp, type RpcMessage } from '../../test/support/minimal-mcp.ts';
import type { Reply } from '../../test/support/programmable-reply.ts';
import { startProgrammableAuthorizationServer } from '../../test/support/programmable-authorization-server.ts';
import type { AuthorizationCounts } from './start-bench-server.ts';

/**
 * The process the benches talk to: an MCP server at `/mcp` that wants a live access token, its authorization server,
 * and `/control/…` for the bench itself. It says its origin to its parent, and ends when the parent does.
 */

/** How long a token request takes, so that requests of one storm really meet. */
const tokenDelayMs = Number(process.argv[2] ?? 0);

/** Ends by itself, should everything else fail. */
setTimeout(() => process.exit(1), 20 * 60_000).unref();

const serverInfo = { name: 'bench', version: '1' };
const echo: MinimalMcp = {
  name: 'bench',
  tools: [{ name: 'echo', description: 'Says what it is told.' }],
  call: ({ text }) => String(text),
};
const server = await startProgrammableAuthorizationServer({
  metadata: { token_endpoint_auth_methods_supported: ['none'] },
  serve: ({ method, text, headers }) =>
    method === 'POST' ? answer(text, headers['x-bench-reply']) : { status: 405 },
  keepCalls: false,
});
const { tokens } = server;

/** In either era, each request by itself; as a stream of one event where that is asked for. */
function answer(text: string, how: unknown): Reply {
  const message = JSON.parse(text) as RpcMessage & { params?: { _meta?: Record<string, unknown> } };
  const body = message.method === 'server/discover' ? discovered(message) : answerMessage(message, echo);
  if (body === undefined) return { status: 202 };
  const isModern = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
  const complete = isModern ? completed(body) : body;
  if (how !== 'sse') return { body: complete };
  const event = `event: message\ndata: ${JSON.stringify(complete)}\n\n`;
  return { headers: { 'content-type': 'text/event-stream' }, body: event };
}

function discovered({ id }: RpcMessage): object {
  const result = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo };
  return { jsonrpc: '2.0', id, result };
}

/** What every result of the revision 2026-07-28 says. */
function completed(body: object): object {
  const { result } = body as { result?: object };
  return result === undefined
    ? body
    : { ...body, result: { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private', ...result } };
}

async function delay(): Promise<undefined> {
  await sleep(tokenDelayMs);
}

if (tokenDelayMs > 0) for (const kind of ['token', 'refresh'] as const) server.on(kind, delay);
server.on('other', ({ url }) => {
  switch (url.pathname) {
    case '/control/counts':
      return {
        body: {
          authorizations: server.count('authorize'),
          refreshes: server.count('refresh'),
          reuses: tokens.reuses,
          revokedFamilies: tokens.families.filter(({ revoked }) => revoked).length,
          foreignCodes: tokens.foreignCodes,
        } satisfies AuthorizationCounts,
      };
    case '/control/expire':
      tokens.expireAccessTokens();
      return { body: {} };
    case '/control/grant': {
      const { access, refresh } = tokens.issue({ clientId: 'bench', subject: 'bench' });
      return { body: { access_token: access, refresh_token: refresh } };
    }
    default:
      return undefined;
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.({ origin: server.origin });

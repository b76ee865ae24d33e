import { setTimeout as sleep } from 'node:timers/promises';
import { answerMcp, type MinimalMcp } from '../../test/support/minimal-mcp.ts';
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

const echo: MinimalMcp = {
  name: 'bench',
  tools: [{ name: 'echo', description: 'Says what it is told.' }],
  call: ({ text }) => String(text),
};
const server = await startProgrammableAuthorizationServer({
  metadata: { token_endpoint_auth_methods_supported: ['none'] },
  serve: (call) => answerMcp(call, echo),
  keepCalls: false,
});
const { tokens } = server;

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

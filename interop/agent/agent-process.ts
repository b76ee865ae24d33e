/**
 * An agent host made with Postern: one person, one MCP server, a store on disk. Its parent tells it what to do.
 */
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { ClientManager, findAuthorizationRequired, RemoteAuthCoordinator } from '../../src/client/index.ts';
import { findPosternError } from '../../src/index.ts';
import { allowPkceUnadvertised } from '../../src/oauth/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answerCommands, sayReady } from '../shared/commands.ts';
import { answerHostLogin, verifyHostUser } from '../shared/host-login.ts';
import type { AgentJob, CallOutcome } from './agent.ts';

const job = JSON.parse(process.argv[2] ?? '') as AgentJob;
const user = 'alice';
const origin = `http://127.0.0.1:${job.port}`;
let refreshes = 0;

/** Counts what the agent sends to token endpoints; the peer itself need not be able to. */
const countingFetch: typeof fetch = (input, init) => {
  const { body } = init ?? {};
  const text = typeof body === 'string' || body instanceof URLSearchParams ? body.toString() : '';
  if (text.includes('grant_type=refresh_token')) refreshes++;
  return fetch(input, init);
};

const storage = openLocalStorage(job.directory);
const coordinator = new RemoteAuthCoordinator({
  storage,
  publicUrl: `${origin}/postern`,
  fetch: countingFetch,
  // The host's own session. Without one, the person is sent to its login first.
  verifyUser: verifyHostUser,
});
const { allowsPkceUnadvertised = false, auth, ...server } = job.server;
const manager = new ClientManager(
  {
    peer: {
      ...server,
      ...((auth !== undefined || allowsPkceUnadvertised) && {
        auth: { type: 'oauth', ...auth, ...(allowsPkceUnadvertised && { [allowPkceUnadvertised]: true }) },
      }),
    } as never,
  },
  { coordinator, fetch: countingFetch },
);
const client = await manager.getClient(user);
const session = client.session('peer');

const listener = getRequestListener((request) =>
  new URL(request.url).pathname === '/login' ? answerHostLogin(request) : coordinator.fetch(request),
);
createServer((request, response) => void listener(request, response)).listen(job.port, '127.0.0.1', () =>
  sayReady({}),
);

async function call({ tool, args }: { tool: string; args?: Record<string, unknown> }): Promise<CallOutcome> {
  try {
    const result = await session.callTool(tool, args, { timeout: 20_000 });
    const text = result.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
    return { answered: result.isError !== true, text };
  } catch (error) {
    const link = findAuthorizationRequired(error)?.challenge.url;
    const known = findPosternError(error);
    const name = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { answered: false, text: known === undefined ? name : `${known.code}: ${known.message}`, link };
  }
}

answerCommands({
  call,
  calls: ({ count, ...each }: { count: number; tool: string; args?: Record<string, unknown> }) =>
    Promise.all(Array.from({ length: count }, () => call(each))),
  async connect({ force }: { force: boolean }) {
    await client.connect({ force });
    return {
      status: session.status,
      link: (await session.getAuthChallenge())?.url,
      error: session.error?.code,
    };
  },
  status: () => session.status,
  refreshes: () => refreshes,
  tools: async () => (await session.listTools({ refresh: true })).map(({ name }) => name),
  killServer() {
    const pid = (session.sdk?.transport as { pid?: number } | undefined)?.pid;
    if (pid === undefined) throw new Error('the server is no child process of this agent');
    process.kill(pid, 'SIGKILL');
  },
});

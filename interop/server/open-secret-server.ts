import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
} from '@modelcontextprotocol/server';
import { fixedNamespace } from '../../src/index.ts';
import { Oob, secretForm } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { verifyHostUser } from '../shared/host-login.ts';

const user = 'alice';
const resource = 'directory';

/** A server of one person, whose tool needs a secret of them. */
export interface SecretServer {
  readonly oob: Oob;
  readonly createServer: () => McpServer;
  /** Forgets the secret, as if it had been refused for good. */
  readonly forget: () => Promise<void>;
}

/** @param origin where the pages are, which may be another process on the same store. */
export function openSecretServer({ directory, origin }: { directory: string; origin: string }): SecretServer {
  const oob = new Oob({
    storage: openLocalStorage(directory),
    namespaces: fixedNamespace(user),
    publicUrl: `${origin}/oob`,
    verifyUser: verifyHostUser,
  });
  const login = oob.flow(
    'login',
    secretForm({
      type: 'object',
      properties: {
        user: { type: 'string', title: 'User' },
        password: { type: 'string', title: 'Password', writeOnly: true },
      },
      required: ['user', 'password'],
    }),
  );
  const createServer = (): McpServer => {
    const server = new McpServer({ name: 'directory', version: '1.0.0' }, { requestState: oob.requestState });
    server.registerTool(
      'whoami',
      { description: 'Who is signed in to the directory' },
      oob.tool(
        async (_args, { credential }) => {
          const { user: found } = await credential({ resource, flow: login });
          return { content: [{ type: 'text', text: `directory as ${found}` }] };
        },
        { name: 'whoami', server },
      ),
    );
    return server;
  };
  return {
    oob,
    createServer,
    forget: async () => void (await oob.credentials.forget(await oob.principal({}), resource)),
  };
}

/** Serves MCP over HTTP: at `/session/mcp` in sessions, for clients of 2025-11-25; at `/mcp` each request alone, in both eras. */
export function serveMcp(createServer: () => McpServer): (request: Request) => Promise<Response> {
  const single = createMcpHandler(createServer, { legacy: 'stateless' });
  const modern = createMcpHandler(createServer, { legacy: 'reject' });
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const authInfo: AuthInfo = { token: user, clientId: 'client', scopes: [] };
  return async (request) => {
    if (new URL(request.url).pathname === '/mcp') return single.fetch(request, { authInfo });
    if (!(await isLegacyRequest(request))) return modern.fetch(request, { authInfo });
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const found = sessions.get(id);
      return (
        found?.handleRequest(request, { authInfo }) ?? new Response('Session not found', { status: 404 })
      );
    }
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (created) => void sessions.set(created, transport),
      onsessionclosed: (closed) => void sessions.delete(closed),
    });
    await createServer().connect(transport);
    return transport.handleRequest(request, { authInfo });
  };
}

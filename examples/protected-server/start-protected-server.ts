import type { McpServer } from '@modelcontextprotocol/server';
import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.ts';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { createTokenGate } from '../../demo/token-gate.ts';
import { browserSignIn } from '../../src/browser-sign-in/index.ts';
import { silentLogger, type Logger } from '../../src/core/logger.ts';
import { verifiedClaims } from '../../src/namespace/index.ts';
import { Oob } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';

export interface ProtectedServerOptions {
  /** Where credentials are kept, sealed. */
  readonly directory: string;
  readonly port?: number | undefined;
  /** How clients of 2025-11-25 are served: in sessions (default), or each request alone. */
  readonly legacy?: 'session' | 'stateless' | undefined;
  readonly logger?: Logger | undefined;
}

export interface ProtectedServer extends AsyncDisposable {
  /** The MCP endpoint. */
  readonly url: string;
  readonly authorizationServer: AuthorizationServer;
  readonly oob: Oob;
}

/**
 * Starts an authorization server and the MCP server that it protects, with the pages on which people give what tools need.
 *
 * `tools` is called once, and returns what makes the server of each request or session.
 */
export async function startProtectedServer(
  name: string,
  options: ProtectedServerOptions,
  tools: (oob: Oob) => () => McpServer,
): Promise<ProtectedServer> {
  const { directory, port, legacy, logger = silentLogger } = options;
  await using starting = new AsyncDisposableStack();
  const listener = starting.use(await openListener({ port }));
  const { origin } = listener;
  const url = `${origin}/mcp`;
  const pages = { client_id: 'pages', redirect_uris: [`${origin}/sign-in/callback`] };
  const authorizationServer = await startAuthorizationServer({
    clients: [{ ...pages, client_name: name, token_endpoint_auth_method: 'none' }],
  });
  starting.defer(() => authorizationServer.close());
  const storage = openLocalStorage(directory);
  starting.defer(() => storage.close());
  const { issuer } = authorizationServer;

  // Tool calls and browsers are told apart by the same accounts: those of the authorization server.
  const publicUrl = `${origin}/sign-in`;
  const signIn = browserSignIn({ issuer, clientId: pages.client_id, publicUrl, storage, logger });
  const oob = new Oob({
    storage,
    namespaces: verifiedClaims({ issuer, audience: url }),
    publicUrl: `${origin}/oob`,
    verifyUser: signIn.verifyUser,
    logger,
  });
  starting.use(oob);
  const gate = createTokenGate({ url, name, authorizationServer });
  const endpoint = starting.use(createMcpEndpoint({ url, gate, legacy, createServer: tools(oob) }));
  const at =
    (path: string, answer: (request: Request) => Promise<Response>) =>
    async (request: Request): Promise<Response | undefined> =>
      new URL(request.url).pathname.startsWith(path) ? answer(request) : undefined;
  listener.serve(firstOf(endpoint.fetch, at('/sign-in/', signIn.fetch), at('/oob/', oob.fetch)));

  const started = starting.move();
  return { url, authorizationServer, oob, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

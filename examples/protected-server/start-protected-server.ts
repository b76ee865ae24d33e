import type { McpServer } from '@modelcontextprotocol/server';
import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.ts';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { createTokenGate } from '../../demo/token-gate.ts';
import { silentLogger, type Logger } from '../../src/core/logger.ts';
import { verifiedClaims } from '../../src/namespace/index.ts';
import { createOob, type Oob } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { createBrowserSignIn } from './browser-sign-in.ts';

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
  const authorizationServer = await startAuthorizationServer();
  starting.defer(() => authorizationServer.close());
  const storage = openLocalStorage(directory);
  starting.defer(() => storage.close());
  const listener = starting.use(await openListener({ port }));
  const { origin } = listener;
  const url = `${origin}/mcp`;
  const { issuer } = authorizationServer;

  const signIn = await createBrowserSignIn({ origin, issuer, name });
  const oob = createOob({
    storage,
    namespaces: verifiedClaims({ issuer, audience: url }),
    publicUrl: `${origin}/oob`,
    // Both are subjects of the same authorization server: that of the call's token, and that of the browser.
    initiatorOf: (_namespace, { claims }) => String(claims?.['sub']),
    verifyUser: signIn.whoIsThere,
    logger,
  });
  starting.use(oob);
  const gate = createTokenGate({ url, name, authorizationServer });
  const endpoint = starting.use(createMcpEndpoint({ url, gate, legacy, createServer: tools(oob) }));
  const pages = async (request: Request): Promise<Response | undefined> =>
    new URL(request.url).pathname.startsWith('/oob/') ? oob.fetch(request) : undefined;
  listener.serve(firstOf(endpoint.fetch, signIn.fetch, pages));

  const started = starting.move();
  return { url, authorizationServer, oob, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

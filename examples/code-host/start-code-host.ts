import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.ts';
import { silentLogger, type Logger } from '../../src/core/logger.ts';
import { verifiedClaims } from '../../src/namespace/index.ts';
import { createOob, type Oob } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { createBrowserSignIn } from '../protected-server/browser-sign-in.ts';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { createTokenGate } from '../../demo/token-gate.ts';
import { CodeHostApi } from './code-host-api.ts';
import { deviceFlow, tokenFlow } from './code-host-flows.ts';
import { createCodeHostServer } from './code-host-tools.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

export interface CodeHostExampleOptions {
  /** Where credentials are kept, sealed. */
  readonly directory: string;
  readonly port?: number | undefined;
  readonly legacy?: 'session' | 'stateless' | undefined;
  readonly logger?: Logger | undefined;
}

export interface CodeHostExample extends AsyncDisposable {
  /** The MCP endpoint. */
  readonly url: string;
  readonly service: StandIn;
  readonly authorizationServer: AuthorizationServer;
  readonly oob: Oob;
}

/** Starts the code host's stand-in, the authorization server, and the MCP server between them. */
export async function startCodeHostExample(options: CodeHostExampleOptions): Promise<CodeHostExample> {
  await using starting = new AsyncDisposableStack();
  const service = starting.use(await startStandIn());
  const authorizationServer = await startAuthorizationServer();
  starting.defer(() => authorizationServer.close());
  const storage = openLocalStorage(options.directory);
  starting.defer(() => storage.close());
  const listener = starting.use(await openListener({ port: options.port }));
  const { origin } = listener;
  const url = `${origin}/mcp`;
  const { issuer } = authorizationServer;

  const signIn = await createBrowserSignIn({ origin, issuer, name: 'Code host tools' });
  const oob = createOob({
    storage,
    namespaces: verifiedClaims({ issuer, audience: url }),
    publicUrl: `${origin}/oob`,
    // Both are subjects of the same authorization server: that of the call's token, and that of the browser.
    initiatorOf: (_namespace, { claims }) => String(claims?.['sub']),
    verifyUser: signIn.whoIsThere,
    logger: options.logger ?? silentLogger,
  });
  starting.use(oob);
  const api = new CodeHostApi(service.origin);
  const flows = {
    device: oob.flow('code-host-device', deviceFlow(service.origin)),
    token: oob.flow('code-host-token', tokenFlow(api)),
  };
  const endpoint = starting.use(
    createMcpEndpoint({
      url,
      gate: createTokenGate({ url, name: 'Code host tools', authorizationServer }),
      createServer: () => createCodeHostServer({ oob, api, flows }),
      legacy: options.legacy,
    }),
  );
  const pages = async (request: Request): Promise<Response | undefined> =>
    new URL(request.url).pathname.startsWith('/oob/') ? oob.fetch(request) : undefined;
  listener.serve(firstOf(endpoint.fetch, signIn.fetch, pages));

  const started = starting.move();
  return { url, service, authorizationServer, oob, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

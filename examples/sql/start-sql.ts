import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.ts';
import { silentLogger, type Logger } from '../../src/core/logger.ts';
import { verifiedClaims } from '../../src/namespace/index.ts';
import { createOob, secretForm, type Oob } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { createBrowserSignIn } from '../protected-server/browser-sign-in.ts';
import { createMcpEndpoint, firstOf } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { createTokenGate } from '../../demo/token-gate.ts';
import { loginForm, type DatabaseLogin } from './login.ts';
import type { SqlDriver } from './sql-driver.ts';
import { createSqlServer } from './sql-tools.ts';

export interface SqlExampleOptions {
  /** Where connections are kept, sealed. */
  readonly directory: string;
  readonly driver: SqlDriver;
  readonly port?: number | undefined;
  readonly legacy?: 'session' | 'stateless' | undefined;
  readonly logger?: Logger | undefined;
  /** How long a database has to answer when a password is tried. Default 5,000 ms. */
  readonly pingTimeoutMs?: number | undefined;
  readonly queryTimeoutMs?: number | undefined;
}

export interface SqlExample extends AsyncDisposable {
  /** The MCP endpoint. */
  readonly url: string;
  readonly authorizationServer: AuthorizationServer;
  readonly oob: Oob;
}

/** Starts the authorization server and the MCP server that it protects. */
export async function startSqlExample(options: SqlExampleOptions): Promise<SqlExample> {
  const {
    directory,
    driver,
    port,
    legacy,
    logger = silentLogger,
    pingTimeoutMs = 5_000,
    queryTimeoutMs,
  } = options;
  await using starting = new AsyncDisposableStack();
  const authorizationServer = await startAuthorizationServer();
  starting.defer(() => authorizationServer.close());
  const storage = openLocalStorage(directory);
  starting.defer(() => storage.close());
  const listener = starting.use(await openListener({ port }));
  const { origin } = listener;
  const url = `${origin}/mcp`;
  const { issuer } = authorizationServer;

  const signIn = await createBrowserSignIn({ origin, issuer, name: 'SQL tools' });
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
  const form = oob.flow(
    'database-login',
    secretForm(loginForm, {
      title: 'Database password',
      message: (resource) =>
        `Enter the password for the connection “${resource}”. It goes to the database below, and to nobody else`,
      test: (values, { signal }) => driver.ping(values as unknown as DatabaseLogin, signal),
      testTimeoutMs: pingTimeoutMs,
    }),
  );
  const endpoint = starting.use(
    createMcpEndpoint({
      url,
      gate: createTokenGate({ url, name: 'SQL tools', authorizationServer }),
      createServer: () => createSqlServer({ oob, driver, form, queryTimeoutMs }),
      legacy,
    }),
  );
  const pages = async (request: Request): Promise<Response | undefined> =>
    new URL(request.url).pathname.startsWith('/oob/') ? oob.fetch(request) : undefined;
  listener.serve(firstOf(endpoint.fetch, signIn.fetch, pages));

  const started = starting.move();
  return { url, authorizationServer, oob, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

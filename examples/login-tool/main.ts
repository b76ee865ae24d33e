/**
 * An MCP server with a login tool for an OAuth provider, and one for an API key; over stdio and over HTTP.
 *
 *   node examples/login-tool/main.ts [--port 8789]    starts everything on loopback
 *   node examples/login-tool/main.ts --self-check     drives it from end to end, and exits with 0 or 1
 */
import { fileURLToPath } from 'node:url';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { runExample } from '../protected-server/run-example.ts';
import { startProtectedServer } from '../protected-server/start-protected-server.ts';
import { loginServer } from './login-server.ts';
import { checkLoginTool } from './self-check.ts';
import { startStandIns } from './stand-ins.ts';

await runExample({
  selfCheck: checkLoginTool,
  // Three more processes are started.
  selfCheckMs: 90_000,
  async serve({ directory, port }) {
    await using starting = new AsyncDisposableStack();
    const standIns = starting.use(await startStandIns());
    const { issuer, calendarUrl, weatherUrl } = standIns;
    const logger = createLineLogger(console.log);
    const server = starting.use(
      await startProtectedServer('Login tool', { directory: `${directory}/http`, port, logger }, (oob) =>
        loginServer(oob, standIns),
      ),
    );
    const program = fileURLToPath(new URL('stdio-server.ts', import.meta.url));
    const settings = JSON.stringify({ directory: `${directory}/stdio`, issuer, calendarUrl, weatherUrl });
    const stdio = { command: 'node', args: [program], env: { LOGIN_EXAMPLE: settings } };
    console.log(`For any MCP client that takes a list of servers; over HTTP sign in as alice, bob or carol:

${JSON.stringify({ mcpServers: { 'login-stdio': stdio, 'login-http': { type: 'http', url: server.url } } }, undefined, 2)}

Then try:
   login                                       a link; at the calendar’s provider you are alice, bob or carol, no password
   login           command: list               who is logged in, and how logins went
   events
   login_weather                               a link; this is a key for its page:  ${standIns.makeKey()}
   forecast

Ctrl-C ends it all; nothing is kept.`);
    const started = starting.move();
    return { [Symbol.asyncDispose]: () => started.disposeAsync() };
  },
});

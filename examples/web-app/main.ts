/**
 * A web application with an agent: sign-in, a page of connections, and a box to ask in. An answer that needs a sign-in
 * arrives after it, without a reload.
 *
 *   node examples/web-app/main.ts [--port 8790]    starts everything on loopback
 *   node examples/web-app/main.ts --self-check     drives it from end to end, and exits with 0 or 1
 */
import { createLineLogger } from '../protected-server/line-logger.ts';
import { runExample } from '../protected-server/run-example.ts';
import { checkWebApp } from './self-check.ts';
import { startWebApp } from './start-web-app.ts';

await runExample({
  selfCheck: checkWebApp,
  async serve({ directory, port }) {
    const app = await startWebApp({ directory, port, logger: createLineLogger(console.log) });
    console.log(`Open ${app.url} and sign in as alice, bob or carol; there is no password. Then ask what is on today.

Ctrl-C ends it all; nothing is kept.`);
    return app;
  },
});

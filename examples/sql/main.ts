/**
 * An MCP server that runs SQL, with connections of each user whose passwords no client ever sees.
 *
 *   node examples/sql/main.ts [--port 8788]    starts everything on loopback
 *   node examples/sql/main.ts --self-check     drives it from end to end, and exits with 0 or 1
 */
import { createLineLogger } from '../protected-server/line-logger.ts';
import { runExample } from '../protected-server/run-example.ts';
import { openDatabases } from './open-databases.ts';
import { checkSql } from './self-check.ts';
import { startSqlExample } from './start-sql.ts';

await runExample({
  selfCheck: checkSql,
  async serve(options) {
    await using starting = new AsyncDisposableStack();
    const databases = starting.use(await openDatabases());
    const { driver, logins } = databases;
    const example = starting.use(
      await startSqlExample({ ...options, driver, logger: createLineLogger(console.log) }),
    );
    const lines = Object.values(logins).map(
      ({ host, port, database, user, password }) =>
        `   host ${host}, port ${port}, database ${database}, user ${user}; password, for the page alone: ${password}`,
    );
    console.log(`The MCP server:  ${example.url}   (OAuth; sign in as alice, bob or carol, no password)
Databases to try it with (${driver.engine}, made for this run):
${lines.join('\n')}

Connect any MCP client to the first address; in one that takes a list of servers:

   { "mcpServers": { "sql": { "type": "http", "url": "${example.url}" } } }

Then try:
   add_connection     name: shop           asks for host, database and user in the client, and for the password on a page
   run_query          connection: shop, sql: SELECT * FROM orders
   run_query          connection: shop, sql: DELETE FROM orders      is refused
   list_connections, remove_connection

Ctrl-C ends it all; nothing is kept.`);
    const started = starting.move();
    return { [Symbol.asyncDispose]: () => started.disposeAsync() };
  },
});

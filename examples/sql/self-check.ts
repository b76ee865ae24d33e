import { createLineLogger } from '../protected-server/line-logger.ts';
import { connectScriptedClient, obtainAccessToken, textOf } from '../protected-server/scripted-client.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import { enterPassword } from './enter-password.ts';
import { openDatabases } from './open-databases.ts';
import { startSqlExample } from './start-sql.ts';

/** Alice and Bob, each with a database of their own, end to end. @throws {Error} when something is not as it has to be. */
export async function checkSql(directory: string): Promise<void> {
  const story = new Story();
  const log: string[] = [];
  await using databases = await openDatabases();
  const { driver, logins } = databases;
  const { shop, library } = logins;
  await using example = await startSqlExample({
    directory,
    driver,
    logger: createLineLogger((line) => log.push(line)),
  });
  const { url } = example;
  story.say(`${driver.engine} with two databases, an authorization server, and an MCP server.`);
  const [aliceToken, bobToken] = await Promise.all([
    obtainAccessToken(url, 'alice'),
    obtainAccessToken(url, 'bob'),
  ]);

  await using alice = await connectScriptedClient({
    url,
    token: aliceToken,
    onForm: () => {
      story.say('alice is asked by her client for what is no secret, and enters it');
      return { host: shop.host, port: shop.port, database: shop.database, user: shop.user };
    },
    onLink: async (link) => {
      story.say(`alice gets a link for the password: ${link}`);
      const asBob = await enterPassword(link, { user: 'bob', password: shop.password });
      story.check('bob may not use the link that was made for alice', asBob.status === 404);
      const wrong = await enterPassword(link, { user: 'alice', password: 'not-the-password' });
      story.check('the database refuses a wrong password, and it is not kept', wrong.status === 422);
      const right = await enterPassword(link, { user: 'alice', password: shop.password });
      story.check('the right one is taken', right.status === 200);
    },
  });
  const refused = await alice.call('add_connection', { name: 'shop', password: 'canary-in-arguments' });
  story.check(
    'a password among the arguments is refused',
    refused.isError === true && alice.links.length === 0,
  );
  story.say(`add_connection: ${textOf(await alice.call('add_connection', { name: 'shop' }))}`);
  const orders = { connection: 'shop', sql: 'SELECT item FROM orders ORDER BY id' };
  const rows = textOf(await alice.call('run_query', orders));
  story.check(`a query answers: ${rows.replaceAll('\n', ', ')}`, rows === 'item\nkettle\nteapot\nsamovar');
  const write = await alice.call('run_query', { connection: 'shop', sql: 'DELETE FROM orders' });
  story.check(`one that writes does not: ${textOf(write)}`, write.isError === true);

  await using bob = await connectScriptedClient({
    url,
    token: bobToken,
    era: '2025-11-25',
    onLink: async (link) => void (await enterPassword(link, { user: 'bob', password: library.password })),
  });
  const { password: _secret, ...place } = library;
  story.say(
    `bob, in a session of 2025-11-25: ${textOf(await bob.call('add_connection', { name: 'books', ...place }))}`,
  );
  const his = textOf(await bob.call('list_connections'));
  story.check('bob sees his connection and not hers', his.includes('books') && !his.includes('shop'));
  story.check('bob cannot query with hers', (await bob.call('run_query', orders)).isError === true);

  await alice.call('remove_connection', { name: 'shop' });
  story.check(
    'a connection that was removed is gone',
    (await alice.call('run_query', orders)).isError === true,
  );

  const texts = [
    ...alice.traffic,
    ...bob.traffic,
    ...log,
    ...story.lines,
    ...(await readAllFiles(directory)),
  ];
  const leaks = countLeaks([shop.password, library.password, 'not-the-password'], texts);
  story.check('no password is in what clients saw, in the log, or readable in the store', leaks === 0);
}

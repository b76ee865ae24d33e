import { createServer, type AddressInfo } from 'node:net';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createCookieBrowser } from '../../demo/browser.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { openAs } from '../../examples/protected-server/open-as.ts';
import { textOf } from '../../examples/protected-server/scripted-client.ts';
import { countLeaks, readAllFiles } from '../../examples/protected-server/story.ts';
import { enterPassword } from '../../examples/sql/enter-password.ts';
import type { DatabaseLogin } from '../../examples/sql/login.ts';
import { openDatabases, type Databases } from '../../examples/sql/open-databases.ts';
import { postgresDriver } from '../../examples/sql/postgres-driver.ts';
import { findPostgresPrograms } from '../../examples/sql/start-postgres.ts';
import type { SqlDriver } from '../../examples/sql/sql-driver.ts';
import { startSqlExample, type SqlExample, type SqlExampleOptions } from '../../examples/sql/start-sql.ts';
import { linkIn, openExampleWorld, selfCheck, type ExampleWorld } from '../support/example-world.ts';

type World = ExampleWorld<SqlExample>;

function openWorld(driver: SqlDriver, options: Partial<SqlExampleOptions> = {}): Promise<World> {
  return openExampleWorld((seen) => startSqlExample({ ...seen, driver, queryTimeoutMs: 2_000, ...options }));
}

/** What a client may know of a login. */
function placeOf({ password: _secret, ...place }: DatabaseLogin): Omit<DatabaseLogin, 'password'> {
  return place;
}

// SQLite is what the example falls back to where PostgreSQL is not installed.
const engines =
  findPostgresPrograms() === undefined ? (['SQLite'] as const) : (['PostgreSQL', 'SQLite'] as const);

test('PostgreSQL is among the databases, where services are required', () => {
  expect(engines.length).toBeGreaterThanOrEqual(process.env['POSTERN_REQUIRE_SERVICES'] === '1' ? 2 : 1);
});

describe.each(engines)('with the database %s', (engine) => {
  let databases: Databases;
  let shop: DatabaseLogin;
  let library: DatabaseLogin;

  beforeAll(async () => {
    databases = await openDatabases({ engine });
    if (databases.driver.engine !== engine) throw new Error(`${engine} was not opened`);
    ({ shop, library } = databases.logins);
  });
  afterAll(() => databases[Symbol.asyncDispose]());

  const open = (options?: Partial<SqlExampleOptions>): Promise<World> => openWorld(databases.driver, options);
  const byPassword =
    (user: string, { password }: DatabaseLogin) =>
    async (link: string) =>
      void (await enterPassword(link, { user, password }));

  describe.each(['2026-07-28', '2025-11-25'] as const)('a client of %s', (era) => {
    test('that shows links adds a connection in one call', async () => {
      const world = await open();
      const client = await world.connect('alice', { era, onLink: byPassword('alice', shop) });
      const added = await client.call('add_connection', { name: 'shop', ...placeOf(shop) });
      expect(textOf(added)).toContain('The connection "shop" works');
      expect(client.links).toHaveLength(1);
      const sql = 'SELECT item FROM orders ORDER BY id';
      expect(textOf(await client.call('run_query', { connection: 'shop', sql }))).toBe(
        'item\nkettle\nteapot\nsamovar',
      );
    });

    test('that shows forms is asked for what is missing, and never for the password', async () => {
      const world = await open();
      const forms: string[] = [];
      const client = await world.connect('alice', {
        era,
        onForm: () => {
          forms.push(world.traffic().find((text) => text.includes('requestedSchema')) ?? '');
          return placeOf(shop);
        },
        onLink: byPassword('alice', shop),
      });
      expect(textOf(await client.call('add_connection', { name: 'shop' }))).toContain('works');
      expect(forms).toHaveLength(1);
      expect(forms[0]).toContain('"database"');
      expect(forms[0]).not.toContain('"password"');
    });

    test('that shows forms but no links enters the fields there, and gets the link in the result', async () => {
      const world = await open();
      const client = await world.connect('alice', { era, elicitation: 'form', onForm: () => placeOf(shop) });
      const link = linkIn(await client.call('add_connection', { name: 'shop' }));
      expect((await enterPassword(link, { user: 'alice', password: shop.password })).status).toBe(200);
      expect(textOf(await client.call('list_connections'))).toContain('shop: ');
    });

    test('without elicitation is told what to pass, then gets the link in the result', async () => {
      const world = await open();
      const client = await world.connect('alice', { era, elicitation: 'none' });
      expect(textOf(await client.call('add_connection', { name: 'shop' }))).toBe(
        'Call again with the arguments host, database, user.',
      );
      const link = linkIn(await client.call('add_connection', { name: 'shop', ...placeOf(shop) }));
      // Until its person has been there, there is no connection to list.
      expect(textOf(await client.call('list_connections'))).toBe('There are no connections.');
      await enterPassword(link, { user: 'alice', password: shop.password });
      expect(textOf(await client.call('add_connection', { name: 'shop', ...placeOf(shop) }))).toContain(
        'works',
      );
    });
  });

  test('a password among the arguments is refused, and nothing is begun', async () => {
    const world = await open();
    const client = await world.connect('alice');
    const result = await client.call('add_connection', {
      name: 'shop',
      ...placeOf(shop),
      password: 'canary',
    });
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { error: { code: 'ERR_POSTERN_OOB_FORM_REFUSED' } },
    });
    expect(textOf(result)).not.toContain('canary');
    expect(client.links).toHaveLength(0);
    expect(world.log.join('\n')).not.toContain('canary');
  });

  test('a password that the database refuses is not kept, and the page takes the right one afterwards', async () => {
    const world = await open();
    const client = await world.connect('alice', { elicitation: 'none' });
    const add = (): Promise<CallToolResult> =>
      client.call('add_connection', { name: 'shop', ...placeOf(shop) });
    const link = linkIn(await add());
    const wrong = await enterPassword(link, { user: 'alice', password: 'wrong' });
    expect(wrong.status).toBe(422);
    expect(linkIn(await add())).toBe(link);
    expect((await enterPassword(link, { user: 'alice', password: shop.password })).status).toBe(200);
    expect(textOf(await add())).toContain('works');
    // The page of a link that was used takes no other place.
    const late = await openAs(createCookieBrowser(), link, 'alice');
    expect(late.html).not.toContain('<form');
  });

  test('users do not see, use or remove each other’s connections', async () => {
    const world = await open();
    const alice = await world.connect('alice', { onLink: byPassword('alice', shop) });
    const bob = await world.connect('bob', { onLink: byPassword('bob', library) });
    await Promise.all([
      alice.call('add_connection', { name: 'mine', ...placeOf(shop) }),
      bob.call('add_connection', { name: 'mine', ...placeOf(library) }),
    ]);
    const titles = { connection: 'mine', sql: 'SELECT title FROM books ORDER BY id' };
    expect(textOf(await bob.call('run_query', titles))).toBe('title\nEmma\nDracula');
    expect((await alice.call('run_query', titles)).isError).toBe(true);
    expect(textOf(await alice.call('list_connections'))).toContain(`mine: ${shop.database}`);
    await alice.call('remove_connection', { name: 'mine' });
    expect(textOf(await alice.call('list_connections'))).toBe('There are no connections.');
    expect(textOf(await bob.call('list_connections'))).toContain(`mine: ${library.database}`);
  });

  test('a live connection is not pointed somewhere else', async () => {
    const world = await open();
    const client = await world.connect('alice', { onLink: byPassword('alice', shop) });
    await client.call('add_connection', { name: 'shop', ...placeOf(shop) });
    const moved = await client.call('add_connection', {
      name: 'shop',
      ...placeOf(shop),
      host: 'elsewhere.example',
    });
    expect(moved.isError).toBe(true);
    expect(textOf(await client.call('list_connections'))).toContain(`at ${shop.host}:`);
    expect(client.links).toHaveLength(1);
  });

  test('a query reads only, ends in time, and returns no more rows than it may', async () => {
    const world = await open();
    const client = await world.connect('alice', { onLink: byPassword('alice', shop) });
    await client.call('add_connection', { name: 'shop', ...placeOf(shop) });
    const run = (sql: string): Promise<CallToolResult> =>
      client.call('run_query', { connection: 'shop', sql });
    const endless = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t)';
    const many = textOf(await run(`${endless} SELECT n FROM t`)).split('\n');
    expect(many).toHaveLength(102);
    expect(many.at(-1)).toBe('Only the first 100 rows.');
    expect(textOf(await run(`${endless} SELECT count(*) FROM t`))).toBe('The query was ended after 2 s.');
    for (const sql of [
      'DELETE FROM orders',
      "INSERT INTO orders VALUES (4, 'urn')",
      'DROP TABLE orders',
      'ROLLBACK; DROP TABLE orders',
    ]) {
      expect(textOf(await run(sql))).toContain('The database refuses the query');
    }
    await run('SELECT 1; DROP TABLE orders');
    expect(textOf(await run('SELECT count(*) AS orders FROM orders'))).toBe('orders\n3');
  });

  test('a password that was changed at the database is asked for anew, and the query goes on', async () => {
    const world = await open();
    let password = library.password;
    const client = await world.connect('bob', {
      onLink: async (link) => void (await enterPassword(link, { user: 'bob', password })),
    });
    await client.call('add_connection', { name: 'books', ...placeOf(library) });
    password = 'changed-in-the-meantime';
    await databases.changePassword(library, password);
    onTestFinished(() => databases.changePassword({ ...library, password }, library.password));
    const answer = await client.call('run_query', {
      connection: 'books',
      sql: 'SELECT count(*) AS books FROM books',
    });
    expect(textOf(answer)).toBe('books\n2');
    expect(client.links).toHaveLength(2);
  });

  test('a connection that was removed while its page was open is not brought back by the page', async () => {
    const world = await open();
    const client = await world.connect('alice', { elicitation: 'none' });
    const link = linkIn(await client.call('add_connection', { name: 'shop', ...placeOf(shop) }));
    await client.call('remove_connection', { name: 'shop' });
    await enterPassword(link, { user: 'alice', password: shop.password }).catch(() => undefined);
    expect(textOf(await client.call('list_connections'))).toBe('There are no connections.');
  });

  test('no password is in what clients saw, in the log, on a page, or readable in the store', async () => {
    const world = await open();
    const wrong = 'CNRYzsecretz-wrong';
    const pages: string[] = [];
    const enter = async (link: string): Promise<void> => {
      const browser = createCookieBrowser();
      pages.push((await openAs(browser, link, 'alice')).html);
      pages.push((await browser.submit({ password: wrong }, 'save')).html);
      pages.push((await browser.submit({ password: shop.password, port: 'x' }, 'save')).html);
      pages.push((await browser.submit({ password: shop.password, port: String(shop.port) }, 'save')).html);
      pages.push((await browser.open(link)).html);
    };
    for (const era of ['2026-07-28', '2025-11-25'] as const) {
      const client = await world.connect('alice', { era, onLink: enter });
      const connection = `shop-${era.slice(0, 4)}`;
      expect(textOf(await client.call('add_connection', { name: connection, ...placeOf(shop) }))).toContain(
        'works',
      );
      for (const sql of ['SELECT 1', 'SELECT nonsense', 'DELETE FROM orders'])
        await client.call('run_query', { connection, sql });
      await client.call('list_connections');
    }
    const stored = await readAllFiles(world.directory);
    expect(countLeaks([shop.password, wrong], [...world.traffic(), ...world.log, ...pages, ...stored])).toBe(
      0,
    );
    // What is looked through is really there.
    expect(countLeaks([shop.user], world.traffic())).toBeGreaterThan(0);
    expect(pages.join('')).toContain('type="password"');
    expect(stored.length).toBeGreaterThan(1);
  });
});

describe('a database that cannot say whether a password is right', () => {
  const login = { database: 'shop', user: 'reader', password: 'CNRYzsecretz-unverified' };

  async function enterFor(
    port: number,
    options?: Partial<SqlExampleOptions>,
  ): Promise<{ status: number; list: string; world: World }> {
    const world = await openWorld(postgresDriver, options);
    const client = await world.connect('alice', { elicitation: 'none' });
    const args = { name: 'shop', host: '127.0.0.1', port, database: login.database, user: login.user };
    const link = linkIn(await client.call('add_connection', args));
    const { status } = await enterPassword(link, { user: 'alice', password: login.password });
    return { status, list: textOf(await client.call('list_connections')), world };
  }

  test('because nobody listens there: it cannot be tried, and is not kept', async () => {
    const { status, list, world } = await enterFor(await findFreePort());
    expect(status).toBe(503);
    expect(list).toBe('There are no connections.');
    expect(countLeaks([login.password], [...world.traffic(), ...world.log])).toBe(0);
  });

  test('because it does not answer: the page says so in time, and it is not kept', async () => {
    const sockets = new Set<{ destroy: () => void }>();
    const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const { status, list } = await enterFor((server.address() as AddressInfo).port, { pingTimeoutMs: 500 });
    expect(status).toBe(504);
    expect(list).toBe('There are no connections.');
  });
});

test('the example checks itself, and says so with its exit code', async () => {
  expect(await selfCheck('sql')).toContain('no password is in what clients saw');
});

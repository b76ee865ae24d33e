import { McpServer, type CallToolResult, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { assertNoSecrets, type NamedFlow, type Oob, type ToolContext } from '../../src/oob/index.ts';
import { askForFields } from './ask-for-fields.ts';
import { loginForm, openFields, type DatabaseLogin } from './login.ts';
import { QueryError, type QueryAnswer, type SqlDriver } from './sql-driver.ts';

export interface SqlToolsOptions {
  readonly oob: Oob;
  readonly driver: SqlDriver;
  readonly form: NamedFlow<DatabaseLogin>;
  /** Default 5,000 ms. */
  readonly queryTimeoutMs?: number | undefined;
}

const maxRows = 100;
const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,40}$/u)
  .describe('What the connection is called');

/** The non-secret part of a login, as far as the caller knows it. A URL with a password in it is no host. */
const fields = z.object({
  host: z
    .string()
    .regex(/^[\w.:-]{1,253}$/u)
    .optional(),
  port: z.int().min(1).max(65_535).optional(),
  database: z
    .string()
    .regex(/^[\w.-]{1,63}$/u)
    .optional(),
  user: z
    .string()
    .regex(/^[\w.@-]{1,63}$/u)
    .optional(),
});
type Fields = z.infer<typeof fields>;

/** The server of one request or session. */
export function createSqlServer(options: SqlToolsOptions): McpServer {
  const { oob } = options;
  const server = new McpServer({ name: 'sql', version: '1.0.0' }, { requestState: oob.requestState });
  // Loose, so that a password among the arguments is seen and refused, and not just left out.
  const adding = z.looseObject({ name, ...fields.shape });
  server.registerTool(
    'add_connection',
    {
      description:
        'Adds a database connection. Never ask for the password, and never pass one: its person enters it on a page.',
      inputSchema: adding,
    },
    async (args: z.infer<typeof adding>, mcp: ServerContext) => {
      const asked = await askForFields(server, args, mcp);
      if ('answer' in asked) return asked.answer;
      return oob.tool((_args, context) => addConnection(options, { ...args, ...asked.fields }, context), {
        server,
      })(args, mcp);
    },
  );
  server.registerTool(
    'list_connections',
    { description: 'Your database connections' },
    oob.tool((_args, { principal }) => listConnections(options, principal)),
  );
  server.registerTool(
    'run_query',
    {
      description: `Runs one SQL statement that reads, and returns up to ${maxRows} rows`,
      inputSchema: z.object({ connection: name, sql: z.string().min(1).max(10_000) }),
    },
    oob.tool((args, context) => runQuery(options, args, context), { server }),
  );
  server.registerTool(
    'remove_connection',
    {
      description: 'Removes a database connection, and forgets its password',
      inputSchema: z.object({ name }),
    },
    oob.tool(async (args, { principal }) => {
      // A page that is still open would bring it back.
      await oob.credentials.withdraw(principal, args.name);
      await oob.credentials.forget(principal, args.name);
      return text(`There is no connection "${args.name}" any more.`);
    }),
  );
  return server;
}

async function addConnection(
  { oob, form }: SqlToolsOptions,
  args: { readonly name: string },
  context: ToolContext,
): Promise<CallToolResult> {
  assertNoSecrets(loginForm, args);
  const checked = fields.safeParse(args);
  if (!checked.success) return failed('Host, port, database or user is not in the form of one.');
  const details = detailsOf(checked.data);
  const kept = await loginOf({ oob, form }, context.principal, args.name);
  // A live connection is never pointed somewhere else: its password was entered for where it is.
  if (kept !== undefined && !isSamePlace(kept, details)) {
    return failed(
      `There is another connection "${args.name}" already. Remove it first, or take another name.`,
    );
  }
  const login = await context.credential({ resource: args.name, details, flow: form });
  return text(`The connection "${args.name}" works: ${placeOf(login)}`);
}

async function listConnections(
  { oob, form }: Pick<SqlToolsOptions, 'oob' | 'form'>,
  principal: ToolContext['principal'],
): Promise<CallToolResult> {
  const lines: string[] = [];
  for (const { resource } of await oob.credentials.list(principal)) {
    const login = await loginOf({ oob, form }, principal, resource);
    if (login !== undefined) lines.push(`${resource}: ${placeOf(login)}`);
  }
  return text(lines.join('\n') || 'There are no connections.');
}

async function runQuery(
  { oob, driver, form, queryTimeoutMs = 5_000 }: SqlToolsOptions,
  { connection, sql }: { connection: string; sql: string },
  { credential, principal }: ToolContext,
): Promise<CallToolResult> {
  const { credentials } = oob;
  const kept = await loginOf({ oob, form }, principal, connection);
  // One that is being added counts: the query waits for the same page.
  if (kept === undefined && (await credentials.findInteraction(principal, connection)) === undefined) {
    return failed(`There is no connection "${connection}". Add it with add_connection.`);
  }
  const request = { resource: connection, flow: form };
  const limits = { maxRows, timeoutMs: queryTimeoutMs };
  const values = await credential(request);
  try {
    return table(await driver.query(values, sql, limits));
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    if (error.reason !== 'login-refused') return failed(wordsFor(error, queryTimeoutMs));
  }
  // The password was changed at the database: its person is asked for the new one, and the query goes on.
  await credentials.reject(principal, request, values);
  const renewed = await credential({ ...request, details: detailsOf(values) });
  try {
    return table(await driver.query(renewed, sql, limits));
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return failed(wordsFor(error, queryTimeoutMs));
  }
}

async function loginOf(
  { oob, form }: Pick<SqlToolsOptions, 'oob' | 'form'>,
  principal: ToolContext['principal'],
  connection: string,
): Promise<DatabaseLogin | undefined> {
  const values = await oob.credentials.find(principal, { resource: connection, flow: form });
  return values;
}

function detailsOf(login: Fields): Record<string, string | number> {
  return Object.fromEntries(
    openFields.flatMap((field) => (login[field] === undefined ? [] : [[field, login[field]]])),
  );
}

function isSamePlace(login: DatabaseLogin, details: Record<string, string | number>): boolean {
  return openFields.every((field) => details[field] === undefined || details[field] === login[field]);
}

function placeOf({ user, database, host, port }: DatabaseLogin): string {
  return `${database} at ${host}:${port}, as ${user}`;
}

function wordsFor({ reason, message }: QueryError, timeoutMs: number): string {
  switch (reason) {
    case 'too-slow':
      return `The query was ended after ${timeoutMs / 1_000} s.`;
    case 'refused':
      return `The database refuses the query: ${message.slice(0, 500)}`;
    case 'unreachable':
    case 'login-refused':
      return 'The database does not answer just now. Try again in a moment.';
  }
}

function table({ columns, rows, truncated }: QueryAnswer): CallToolResult {
  const lines = [columns, ...rows].map((cells) => cells.join(' | '));
  return text([...lines, ...(truncated ? [`Only the first ${rows.length} rows.`] : [])].join('\n'));
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}

function failed(value: string): CallToolResult {
  return { ...text(value), isError: true };
}

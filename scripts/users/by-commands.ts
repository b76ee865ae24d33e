import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { createCookieBrowser } from '../../demo/browser.ts';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import { openDesktop } from './desktop.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';

/** docs/guides/command-line.md, by somebody who writes no code, and by the desktop host that they set up. */
export async function playCommandLine(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const authorizationServer = await startAuthorizationServer({ accessTokenFormat: 'opaque' });
  stack.defer(() => authorizationServer.close());
  const calendar = await startCalendarServer({ authorizationServer });
  stack.defer(() => calendar.close());
  const desktop = openDesktop(stage.scratch);
  const env = {
    CALENDAR_URL: calendar.url,
    DISPLAY: ':0',
    PATH: `${desktop.programs}:${stage.env['PATH']}`,
  };
  const reader = stack.use(openReader(stage, 'command-line.md', env));
  const terminal = reader.openTerminal();

  await reader.types(terminal);
  await reader.types(terminal, async () => {
    await createCookieBrowser().signIn(await desktop.opened(), { user: 'alice' });
  });
  await reader.types(terminal);
  await reader.types(terminal);
  await reader.types(terminal);

  const { authorizations } = authorizationServer.counters;
  const answer = await askAsHost(stage, env);
  check('the host has the tools, and the first call is answered', answer.includes('Alice: dentist 09:00'));
  check('nobody was asked again', authorizationServer.counters.authorizations === authorizations);

  await reader.types(terminal);
  await reader.types(terminal);
  check('signing out reaches the server', authorizationServer.counters.revocations > 0);
  reader.finish();
  return reader;
}

/** What a desktop host does: it starts what its file says, on stdio, and calls a tool. */
async function askAsHost(stage: Stage, env: Readonly<Record<string, string>>): Promise<string> {
  const file = join(stage.env['HOME'] ?? '', '.cursor/mcp.json');
  const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as {
    mcpServers: { calendar: { command: string; args: string[] } };
  };
  const host = new Client({ name: 'host', version: '1' });
  const { command, args } = mcpServers.calendar;
  await host.connect(new StdioClientTransport({ command, args, env: { ...stage.env, ...env } }));
  try {
    await host.listTools();
    return JSON.stringify(await host.callTool({ name: 'list_events' }));
  } finally {
    await host.close();
  }
}

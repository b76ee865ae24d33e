import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { createCookieBrowser } from '../../demo/browser.ts';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';
import { until } from './until.ts';

/** docs/guides/terminal.md, by somebody who has a display, then has none, makes mistakes, and then says no. */
export async function playTerminal(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const authorizationServer = await startAuthorizationServer({ accessTokenFormat: 'opaque' });
  stack.defer(() => authorizationServer.close());
  const calendar = await startCalendarServer({ authorizationServer });
  stack.defer(() => calendar.close());
  const desktop = openDesktop(stage.scratch);
  const reader = stack.use(
    openReader(stage, 'terminal.md', {
      CALENDAR_URL: calendar.url,
      DISPLAY: ':0',
      PATH: `${desktop.programs}:${stage.env['PATH']}`,
    }),
  );
  const terminal = reader.openTerminal();
  const person = createCookieBrowser();

  await reader.types(terminal);
  await reader.types(terminal, async () => {
    await person.signIn(await desktop.opened(), { user: 'alice' });
  });
  const { authorizations } = authorizationServer.counters;
  await reader.types(terminal);
  check('nobody was asked the second time', authorizationServer.counters.authorizations === authorizations);

  await reader.types(terminal);
  check('signing out reaches the server', authorizationServer.counters.revocations > 0);
  await reader.types(terminal, async () => {
    const [, link = ''] = await terminal.shows(/open (http:\S+) \(on this machine/u);
    await person.signIn(link, { user: 'alice' });
  });

  await reader.types(terminal);
  await reader.types(terminal, async () => {
    await person.signIn(await desktop.opened(), { user: 'alice', decision: 'deny' });
  });
  const { authorizations: asked } = authorizationServer.counters;
  await reader.types(terminal);
  check('who has said no is not asked at once', authorizationServer.counters.authorizations === asked);
  reader.finish();
  check('the calendar was read three times', calendar.counters.calls['list_events'] === 3);
  return reader;
}

/** A desktop whose browser is told to open an address: the opener of every Linux desktop, for a person who is played. */
function openDesktop(scratch: string): { readonly programs: string; opened(): Promise<string> } {
  const programs = join(scratch, 'desktop');
  const told = join(programs, 'opened');
  mkdirSync(programs);
  writeFileSync(join(programs, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" > '${told}'\n`);
  chmodSync(join(programs, 'xdg-open'), 0o755);
  return {
    programs,
    opened: () =>
      until('a browser is opened', undefined, () => {
        try {
          const [address, end] = readFileSync(told, 'utf8').split('\n');
          if (end === undefined) return undefined;
          rmSync(told);
          return address;
        } catch {
          return undefined;
        }
      }),
  };
}

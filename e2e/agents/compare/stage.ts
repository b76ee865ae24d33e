import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCalendarServer, type CalendarServer } from '../../../demo/calendar-server.ts';
import { forward } from '../../../demo/forward.ts';
import { walk } from '../../../test/heart/walk.ts';
import type { FromPageProcess, ToPageProcess } from '../../../test/support/answer-parent.ts';
import { ChildProgram } from '../../../test/support/child-program.ts';
import { openPageHost, type PageHost } from '../../../test/support/page-host.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../../../test/support/programmable-authorization-server.ts';
import { resourceSideOf } from '../../../test/support/resource-side.ts';
import type { Contender } from './contenders.ts';
import type { Ask, KeptSignIn, Surroundings } from './player.ts';
import type { Asked } from './player-process.ts';
import { startTenant, type Tenant } from './tenant-stand-in.ts';

/** How long a token request takes: long enough for all calls at once to have been refused meanwhile. */
const tokenDelayMs = 20;

/** A process of a contender's, as the stories use it. */
export interface PlayerProcess {
  answer(ask: Ask): Promise<string>;
  pause(ask: Ask): Promise<string>;
  goOn(ask: Ask, kept: string): Promise<unknown>;
  forge(ask: Ask, kept: string): Promise<unknown>;
  answered(): Promise<number>;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

/** Everybody around a contender, on real sockets, and the counts at the servers. */
export interface Stage extends AsyncDisposable {
  readonly as: ProgrammableAuthorizationServer;
  readonly calendar: CalendarServer;
  readonly tenant: Tenant;
  start(): Promise<PlayerProcess>;
  /** Has a user sign in beforehand, with the process that serves the pages, where there are pages. */
  signIn(user: string, process: PlayerProcess): Promise<void>;
  /** Has a user told what a pause waits for: what they do then, where that is a sign-in. */
  tell(user: string, process: PlayerProcess): Promise<() => Promise<void>>;
}

type Answered = { readonly value: unknown } | { readonly failure: string };

export async function openStage(contender: Contender): Promise<Stage> {
  await using closing = new AsyncDisposableStack();
  const as = closing.use(await startProgrammableAuthorizationServer());
  as.on('refresh', async (_call, standard) => {
    await sleep(tokenDelayMs);
    return standard();
  });
  const calendar = await startCalendarServer({ authorizationServer: resourceSideOf(as) });
  closing.defer(() => calendar.close());
  const host = await openPageHost();
  closing.defer(() => host.close());
  const tenant = closing.use(await startTenant(as, calendar.url));
  const directory = mkdtempSync(join(tmpdir(), 'postern-compare-'));
  closing.defer(() => rmSync(directory, { recursive: true, force: true }));
  const { publicUrl } = host;
  const surroundings = { directory, publicUrl, calendarUrl: calendar.url, tenantUrl: tenant.url };
  const links = new Map<PlayerProcess, (user: string) => Promise<string>>();

  const tell = async (user: string, process: PlayerProcess): Promise<() => Promise<void>> => {
    if (contender.signsIn === 'at the vault') return async () => tenant.connect(user);
    if (contender.signsIn !== 'by its links') return async () => {};
    const link = await links.get(process)?.(user);
    return async () => {
      as.approveAs(user);
      const page = await walk(await host.openBrowser(user), link ?? '');
      if (page.status !== 200) throw new Error(`the sign-in of ${user} ended with status ${page.status}`);
    };
  };
  const opened = closing.move();
  return {
    as,
    calendar,
    tenant,
    start: async () => {
      const { player, linkOf } = await startPlayer(contender, surroundings, { host, closing: opened });
      links.set(player, linkOf);
      return player;
    },
    tell,
    signIn: async (user, process) => {
      if (contender.signsIn === undefined)
        keepSignIn(join(directory, `${user}.json`), as, { user, resource: calendar.url });
      else await (await tell(user, process))();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function startPlayer(
  { id }: Contender,
  surroundings: Surroundings,
  { host, closing }: { readonly host: PageHost; readonly closing: AsyncDisposableStack },
): Promise<{ player: PlayerProcess; linkOf: (user: string) => Promise<string> }> {
  const child = new ChildProgram<ToPageProcess<Asked>, FromPageProcess<Answered>>({
    name: id,
    program: new URL('player-process.ts', import.meta.url),
    args: [id, JSON.stringify(surroundings)],
    // No trace leaves this machine, and nothing is counted elsewhere.
    env: {
      OPENAI_AGENTS_DISABLE_TRACING: '1',
      MASTRA_TELEMETRY_DISABLED: '1',
      LANGCHAIN_TRACING_V2: 'false',
    },
  });
  closing.defer(() => child.end());
  const port = await child.heard('its port', (said) => ('port' in said ? said.port : undefined), 60_000);
  const handler = (request: Request): Promise<Response> => forward(request, port);
  host.handlers.push(handler);
  let questions = 0;
  const ask = async (question: Asked): Promise<unknown> => {
    const at = ++questions;
    child.send({ id: at, question });
    const { answer } = await child.heard(
      `what came of ${JSON.stringify(question)}`,
      (said) => ('answer' in said && said.id === at ? said : undefined),
      60_000,
    );
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.value;
  };
  const player: PlayerProcess = {
    answer: async (asked) => String(await ask({ answer: asked })),
    pause: async (asked) => String(await ask({ pause: asked })),
    goOn: (asked, kept) => ask({ goOn: asked, kept }),
    forge: (asked, kept) => ask({ forge: asked, kept }),
    answered: async () => Number(await ask({ answered: true })),
    kill: async () => {
      const place = host.handlers.indexOf(handler);
      if (place !== -1) host.handlers.splice(place, 1);
      await child.end();
    },
  };
  return { player, linkOf: async (user) => String(await ask({ linkOf: user })) };
}

/** As if the user had signed in by the framework's own means. */
function keepSignIn(
  path: string,
  as: ProgrammableAuthorizationServer,
  { user, resource }: { readonly user: string; readonly resource: string },
): void {
  const clientId = 'compare';
  const scope = 'calendar:read calendar:write calendar:share';
  const { access, refresh } = as.tokens.issue({ clientId, scope, resource, subject: user });
  const tokens = {
    access_token: access,
    token_type: 'Bearer',
    expires_in: 3_600,
    refresh_token: refresh,
    scope,
  };
  const { issuer } = as;
  const server = { issuer, authorizationServerUrl: issuer, tokenEndpoint: as.endpoint('token') };
  writeFileSync(path, JSON.stringify({ client_id: clientId, tokens, server } satisfies KeptSignIn));
}

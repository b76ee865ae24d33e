import { expect, vi } from 'vitest';
import { walkToCallback } from '../heart/walk.ts';
import type { CookieBrowser, Page } from '../support/cookie-browser.ts';
import { openFlowStage, redirectFlow } from '../support/flow-stage.ts';
import { codeOf as codeOfRefusal } from '../support/flow-visits.ts';
import { codeOf, openStage, withParams } from '../support/stage.ts';
import type { ProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import type { RecordingLogger } from '../support/recording-logger.ts';

/** A sign-in that somebody waits for, from the agent's side or a server's: both are carried by the same flow. */
export interface Waiting {
  readonly as: ProgrammableAuthorizationServer;
  readonly logger: RecordingLogger;
  readonly link: string;
  readonly browser: CookieBrowser;
  /** Has the authorization server send the browser back with these parameters in place of a code. */
  refuse(params: Readonly<Record<string, string>>): Promise<Page>;
  /** What the one who waits has been told by now; waits for it a moment. */
  told(): Promise<string | undefined>;
  /** What the next call comes to. */
  next(): Promise<string>;
}

export const faces: Readonly<Record<string, () => Promise<Waiting>>> = {
  agent: openAgent,
  server: openServer,
};

async function openAgent(): Promise<Waiting> {
  const stage = await openStage();
  const { as, host, logger } = stage;
  const { url: link } = await stage.linkOf('alice');
  const client = await stage.manager.getClient('alice');
  const browser = await host.openBrowser('alice');
  const session = client.session('calendar');
  return {
    as,
    logger,
    link,
    browser,
    refuse: (params) => refuse(browser, link, params),
    told: async () => {
      await vi.waitFor(() => expect(session.status).toBe('AUTH_FAILED'), { timeout: 2_000 }).catch(() => {});
      return session.error?.code;
    },
    next: () => codeOf(client.callTool('whoami')),
  };
}

async function openServer(): Promise<Waiting> {
  const stage = await openFlowStage();
  const { as, host, logger, oob } = stage;
  const flow = redirectFlow(stage);
  const { url: link } = await stage.linkOf('alice', flow);
  const principal = await stage.principal('alice');
  const acquire = (waitMs: number): Promise<string> =>
    codeOfRefusal(oob.credentials.acquire(principal, { resource: 'calendar.example', flow }, { waitMs }));
  const waiter = acquire(600_000);
  const browser = await host.openBrowser('alice');
  return {
    as,
    logger,
    link,
    browser,
    refuse: (params) => refuse(browser, link, params),
    told: () => Promise.race([waiter, patience(2_000)]),
    next: () => acquire(0),
  };
}

async function refuse(
  browser: CookieBrowser,
  link: string,
  params: Readonly<Record<string, string>>,
): Promise<Page> {
  return browser.open(withParams(await walkToCallback(browser, link), { code: undefined, ...params }));
}

function patience(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(resolve, ms, undefined).unref());
}

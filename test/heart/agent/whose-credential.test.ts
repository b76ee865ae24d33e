import { onTestFinished, describe, expect, test } from 'vitest';
import { startCalendarServer, type CalendarServer } from '../../../demo/calendar-server.ts';
import { ClientManager, type Client, type ServerConfig } from '../../../src/client/index.ts';
import { findPosternError } from '../../../src/index.ts';
import { challengeOf, codeOf, openStage, resourceSideOf, textOf, type Stage } from '../../support/stage.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../../support/programmable-authorization-server.ts';
import { walk } from '../walk.ts';

const secret = 'CNRYzsecretz-client-secret';
const client = { clientId: 'bot', clientSecret: secret };

async function startIssuer(): Promise<ProgrammableAuthorizationServer> {
  const as = await startProgrammableAuthorizationServer();
  onTestFinished(() => as.close());
  return as;
}

/** Puts another calendar in the place of the stage's: the same address, which names another authorization server. */
async function moveTo(stage: Stage, as: ProgrammableAuthorizationServer): Promise<CalendarServer> {
  await stage.calendar.close();
  // A grant that was refused within its first minute would be put down to the server.
  stage.time.advance(2 * 60_000);
  const port = Number(new URL(stage.calendar.url).port);
  const calendar = await startCalendarServer({ port, authorizationServer: resourceSideOf(as) });
  onTestFinished(() => calendar.close());
  return calendar;
}

/** What a call comes to once the connections to the server that was there before have been found broken. */
async function outcomeAfterMove(caller: Client): Promise<string> {
  const call = async (): Promise<string> => {
    try {
      return `no failure: ${textOf(await caller.callTool('whoami'))}`;
    } catch (error) {
      return findPosternError(error)?.code ?? String(error);
    }
  };
  let outcome = await call();
  for (let broken = 1; outcome === 'ERR_POSTERN_CLIENT_UNREACHABLE' && broken < 4; broken++)
    outcome = await call();
  return outcome;
}

/** What of everything that a server was sent holds the secret, in whatever way it was written. */
function sawSecret(as: ProgrammableAuthorizationServer): number {
  return as.calls.filter(({ headers, text, url }) => {
    const [, basic = ''] = headers.authorization?.split(' ') ?? [];
    return [text, url.href, Buffer.from(basic, 'base64').toString()].some((part) => part.includes(secret));
  }).length;
}

/** A new process on the store of a stage. */
function startProcess(stage: Stage, servers: Record<string, ServerConfig>): ClientManager {
  const manager = new ClientManager(servers, { coordinator: stage.coordinator, clock: stage.time.clock });
  onTestFinished(() => manager.close());
  return manager;
}

describe('a client secret that was configured without its issuer', () => {
  const machine = (url: string): ServerConfig => ({ url, auth: { type: 'client_credentials', client } });

  test('a machine’s secret stays with the issuer it was first used with (issue 8.2)', async () => {
    const stage = await openStage({ servers: ({ url }) => ({ calendar: machine(url) }) });
    const bot = await stage.manager.getClient('bot');
    expect(textOf(await bot.callTool('whoami'))).toBe('machine');
    expect(sawSecret(stage.as)).toBeGreaterThan(0);
    const other = await startIssuer();
    await moveTo(stage, other);
    const outcome = await outcomeAfterMove(bot);
    expect([sawSecret(other), other.count('token')]).toEqual([0, 0]);
    expect(outcome).toMatch(/^ERR_POSTERN_/u);
  });

  test('a machine’s secret stays with its issuer in processes that start later (issue 8.2)', async () => {
    const stage = await openStage({ servers: ({ url }) => ({ calendar: machine(url) }) });
    expect(textOf(await (await stage.manager.getClient('bot')).callTool('whoami'))).toBe('machine');
    const other = await startIssuer();
    await moveTo(stage, other);
    const later = startProcess(stage, { calendar: machine(stage.calendar.url) });
    for (const contextId of ['bot', 'another-bot']) {
      const outcome = await outcomeAfterMove(await later.getClient(contextId));
      expect([sawSecret(other), other.count('token')]).toEqual([0, 0]);
      expect(outcome).toMatch(/^ERR_POSTERN_/u);
    }
  });

  test('a person’s sign-in at another issuer does not bring it the secret either (issue 8.2)', async () => {
    const stage = await openStage({
      servers: ({ url }) => ({ calendar: { url, auth: { type: 'oauth', client } } }),
    });
    await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
    const alice = await stage.manager.getClient('alice');
    expect(textOf(await alice.callTool('whoami'))).toBe('user-1');
    expect(sawSecret(stage.as)).toBeGreaterThan(0);
    const other = await startIssuer();
    await moveTo(stage, other);
    await outcomeAfterMove(alice);
    const link = await challengeOf(alice.callTool('whoami')).catch(() => undefined);
    if (link !== undefined) await walk(await stage.host.openBrowser('alice'), link.url);
    expect([sawSecret(other), other.count('token')]).toEqual([0, 0]);
  });

  test('a workload’s assertion is not even made for another issuer', async () => {
    let assertions = 0;
    const assertion = (): string => `assertion-${++assertions}`;
    const stage = await openStage({
      servers: ({ url }) => ({ calendar: { url, auth: { type: 'jwt_bearer', client, assertion } } }),
    });
    const bot = await stage.manager.getClient('bot');
    expect(textOf(await bot.callTool('whoami'))).toBe('machine');
    const made = assertions;
    const other = await startIssuer();
    await moveTo(stage, other);
    expect(await outcomeAfterMove(bot)).toBe('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
    expect([assertions, sawSecret(other), other.count('token')]).toEqual([made, 0, 0]);
  });

  test('an operator who names the new issuer has it sent there, and to no other from then on', async () => {
    const stage = await openStage({ servers: ({ url }) => ({ calendar: machine(url) }) });
    expect(textOf(await (await stage.manager.getClient('bot')).callTool('whoami'))).toBe('machine');
    const other = await startIssuer();
    const { url } = await moveTo(stage, other);
    const { issuer } = other;
    const said = { url, auth: { type: 'client_credentials', client: { ...client, issuer } } } as const;
    const bot = await startProcess(stage, { calendar: said }).getClient('bot');
    expect(await outcomeAfterMove(bot)).toBe('no failure: machine');
    const later = await startProcess(stage, { calendar: machine(url) }).getClient('another-bot');
    expect(await outcomeAfterMove(later)).toBe('no failure: machine');
    expect(sawSecret(other)).toBeGreaterThan(1);
  });

  test('with its issuer configured, it is sent to no other', async () => {
    const stage = await openStage({
      servers: ({ url }, { issuer }) => ({
        calendar: { url, auth: { type: 'client_credentials', client: { ...client, issuer } } },
      }),
    });
    const bot = await stage.manager.getClient('bot');
    expect(textOf(await bot.callTool('whoami'))).toBe('machine');
    const other = await startIssuer();
    await moveTo(stage, other);
    expect(await outcomeAfterMove(bot)).toBe('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
    expect(sawSecret(other)).toBe(0);
  });

  test('a client that registered itself is registered anew at another issuer', async () => {
    const stage = await openStage();
    await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
    const alice = await stage.manager.getClient('alice');
    expect(textOf(await alice.callTool('whoami'))).toBe('user-1');
    const other = await startIssuer();
    await moveTo(stage, other);
    expect(await outcomeAfterMove(alice)).toBe('ERR_POSTERN_AUTH_REQUIRED');
    const { url } = await challengeOf(alice.callTool('whoami'));
    await walk(await stage.host.openBrowser('alice'), url);
    expect([other.count('register'), other.count('token')]).toEqual([1, 1]);
    const known = (as: ProgrammableAuthorizationServer) =>
      new Set(as.calls.filter(({ kind }) => kind === 'token').map(({ form }) => form.get('client_id')));
    expect([...known(other)].filter((id) => known(stage.as).has(id))).toEqual([]);
  });
});

/** Signs alice in to a resource under the name `files`. */
async function signInTo(stage: Stage, url: string): Promise<void> {
  const manager = startProcess(stage, { files: { url } });
  const { url: link } = await challengeOf((await manager.getClient('alice')).callTool('whoami'));
  await walk(await stage.host.openBrowser('alice'), link);
  expect(stage.as.count('token')).toBe(1);
}

/** The credentials that a server was shown. */
function shownTo(as: ProgrammableAuthorizationServer): (string | undefined)[] {
  return as.calls.map(({ headers }) => headers.authorization).filter((shown) => shown !== undefined);
}

describe('another address behind the name of a server', () => {
  test('a token goes to the resource it was issued for, not to whoever has its name by now (issue 8.30)', async () => {
    const stage = await openStage();
    await signInTo(stage, stage.as.resource);
    const other = await startIssuer();
    const later = startProcess(stage, { files: { url: other.resource } });
    const required = await challengeOf((await later.getClient('alice')).callTool('whoami')).catch(
      () => undefined,
    );
    expect(shownTo(other)).toEqual([]);
    expect(required?.server).toBe('files');
  });

  test('another path of the same origin is another resource: it is not shown the token (issue 8.30)', async () => {
    const stage = await openStage();
    await signInTo(stage, stage.as.resource);
    const later = startProcess(stage, { files: { url: `${stage.as.origin}/other` } });
    await codeOf((await later.getClient('alice')).callTool('whoami'));
    const asked = stage.as.calls.filter(({ url }) => url.pathname === '/other');
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.map(({ headers }) => headers.authorization).filter((shown) => shown !== undefined)).toEqual(
      [],
    );
  });

  test('a server that is removed and added with another address is not shown the token either (issue 8.30)', async () => {
    const stage = await openStage();
    await signInTo(stage, stage.as.resource);
    const other = await startIssuer();
    const alice = await startProcess(stage, { files: { url: stage.as.resource } }).getClient('alice');
    await alice.removeServer('files');
    alice.addServer('files', { url: other.resource });
    await codeOf(alice.callTool('whoami'));
    expect(shownTo(other)).toEqual([]);
  });
});

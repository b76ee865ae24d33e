import { expect, test } from 'vitest';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { finish, linkOf } from '../set-ups/set-up.ts';
import { runTable, type Case } from '../table.ts';
import { walkToCallback } from '../walk.ts';

/** Logs a context out in the last of the processes, once, before a code or a machine's secret is answered. */
function logOutBeforeTokens(stage: Stage, contextId: string, first: () => void = () => {}): void {
  stage.as.on('token', async () => {
    stage.as.on('token', undefined);
    first();
    await (await stage.managers.at(-1)!.getClient(contextId)).logout();
    return undefined;
  });
}

test('a sign-in that was begun before a logout, and comes back after its link has expired, brings nothing back', async () => {
  const stage = await openStage({ hosts: 2 });
  const { url } = await stage.linkOf('alice');
  stage.as.approveAs('alice');
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, url);
  logOutBeforeTokens(stage, 'alice', () => stage.time.advance(11 * 60_000));
  const page = await browser.open(callback.href);
  expect(page.status).toBeGreaterThanOrEqual(400);
  const { storage } = stage.coordinator.createContext('alice');
  expect(await storage.get('credential', stage.calendar.url, 'calendar')).toBeUndefined();
  expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([true]);
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
});

test('what a machine was obtaining while it was logged out is given back', async () => {
  const client = { clientId: 'bot', clientSecret: 'CNRYzsecretz-secret' };
  const stage = await openStage({
    hosts: 2,
    servers: ({ url }) => ({ calendar: { url, auth: { type: 'client_credentials', client } } }),
  });
  logOutBeforeTokens(stage, 'bot');
  const bot = await stage.manager.getClient('bot');
  expect(textOf(await bot.callTool('whoami'))).toBe('machine');
  // The call itself goes on after the logout, with what it obtains from then on.
  expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([true, false]);
});

const cases: readonly Case[] = [
  {
    fact: 'ends a link that its person is on the way back from: what they bring is not kept',
    except: {
      'server deployed, form': 'nobody goes anywhere from a form, so that nobody is on the way back',
    },
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      await stage.end('alice', 1);
      const page = await answer.send();
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(await stage.outcome('alice')).toMatch(/^asks /u);
      expect(stage.issuer.ended().every(Boolean)).toBe(true);
    },
  },
  {
    fact: 'keeps nobody from signing in anew, at once or later',
    async check(stage) {
      for (const instance of [0, 1] as const) {
        await finish(stage, 'alice', await linkOf(stage, 'alice'));
        expect(await stage.outcome('alice', 1)).toBe('holds alice');
        await stage.end('alice', instance);
      }
      stage.advance(2 * 60_000);
      await finish(stage, 'alice', await linkOf(stage, 'alice'));
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
];

runTable('a logout', cases);

import { expect } from 'vitest';
import { finish, linkOf } from './set-ups/set-up.ts';
import { runTable, type Case } from './table.ts';

const cases: readonly Case[] = [
  {
    fact: 'completed: nobody is asked again, and the link says that it is done',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      await (await stage.prepare(browser, link, 'alice')).send();
      expect(await stage.outcome('alice', 1)).toBe('holds alice');
      const page = await browser.open(link);
      expect([page.status, stage.issuer.exchanges()]).toEqual([200, 1]);
    },
  },
  {
    fact: 'declined: nobody is asked again for a while, in no instance, and then with another link',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      await stage.decline(await stage.openBrowser('alice'), link);
      expect([await stage.outcome('alice', 0), await stage.outcome('alice', 1)]).toEqual([
        'ERR_POSTERN_AUTH_DENIED',
        'ERR_POSTERN_AUTH_DENIED',
      ]);
      stage.advance(61_000);
      const next = await linkOf(stage, 'alice', 1);
      expect(next).not.toBe(link);
      await finish(stage, 'alice', next);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'failed: the page and the link say so, and the next call asks with another link',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      expect((await stage.fail(browser, link, 'alice')).status).toBeGreaterThanOrEqual(400);
      expect((await browser.open(link)).status).toBeGreaterThanOrEqual(400);
      const next = await linkOf(stage, 'alice', 1);
      expect(next).not.toBe(link);
      await finish(stage, 'alice', next);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'withdrawn: the link leads nowhere any more, an answer to it takes nothing, and a call asks anew',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      const answer = await stage.prepare(browser, link, 'alice');
      await stage.withdraw('alice');
      expect((await answer.send()).status).toBeGreaterThanOrEqual(400);
      expect((await browser.open(link)).status).toBeGreaterThanOrEqual(400);
      expect(stage.issuer.exchanges()).toBe(0);
      expect(await linkOf(stage, 'alice', 1)).not.toBe(link);
    },
  },
  {
    fact: 'forgotten: no instance uses what there was, and the person is asked anew',
    async check(stage) {
      await finish(stage, 'alice', await linkOf(stage, 'alice'));
      await finish(stage, 'bob', await linkOf(stage, 'bob'));
      expect([await stage.outcome('alice', 0), await stage.outcome('alice', 1)]).toEqual([
        'holds alice',
        'holds alice',
      ]);
      await stage.end('alice');
      // The other instance may trust what it has read for a second.
      stage.advance(2_000);
      const link = await linkOf(stage, 'alice');
      expect(await linkOf(stage, 'alice', 1)).toBe(link);
      expect(await stage.outcome('bob', 1)).toBe('holds bob');
    },
  },
  {
    fact: 'forgotten: its issuer is told to end it',
    except: { 'server deployed, form': 'a secret ends where it was made; we can only forget it' },
    async check(stage) {
      await finish(stage, 'alice', await linkOf(stage, 'alice'));
      await finish(stage, 'bob', await linkOf(stage, 'bob'));
      await stage.end('alice', 1);
      expect(stage.issuer.ended()).toEqual([true, false]);
    },
  },
  {
    fact: 'finished while the link’s time ran out: what the person gave is kept',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      stage.issuer.onExchange(() => stage.advance(11 * 60_000));
      const page = await answer.send();
      stage.issuer.onExchange(undefined);
      expect([await stage.outcome('alice'), page.status]).toEqual(['holds alice', 200]);
      expect(stage.issuer.exchanges()).toBe(1);
    },
  },
];

runTable('ends', cases);

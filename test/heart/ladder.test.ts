import { expect } from 'vitest';
import { finish, linkOf } from './set-ups/set-up.ts';
import { pastedBack } from './set-ups/client.ts';
import { runTable, type Case } from './table.ts';

const noState = 'a form is sent to its own link, with the token of its browser: there is no state';
const theMachine = 'the machine is the person: whoever is at its first browser is the right one';

const listenerGoes =
  'a listener goes with its process: real ones are killed in test/heart/this-machine.test.ts';

const cases: readonly Case[] = [
  {
    fact: 'a link that nobody made leads nowhere, and tells nothing',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const unknown = link.replace(/[\w-]+$/u, 'x'.repeat(32));
      const page = await (await stage.openBrowser('alice')).open(unknown);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(page.html).not.toContain('alice');
      expect(await stage.outcome('alice')).toBe(`asks ${link}`);
    },
  },
  {
    fact: 'an answer with an unknown, a missing or a doubled state takes nothing',
    except: { 'server deployed, form': noState },
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      for (const states of [
        ['x'.repeat(32)],
        [],
        [''],
        [answer.state, answer.state],
        [answer.state, 'x'],
        ['x'.repeat(600)],
      ]) {
        expect((await answer.withState(...states).send()).status).toBeGreaterThanOrEqual(400);
      }
      expect([stage.issuer.exchanges(), await stage.outcome('alice')]).toEqual([0, `asks ${link}`]);
      expect((await answer.send()).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'an answer from another browser takes nothing, and the right one still counts',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      const page = await answer.send(await stage.openBrowser('alice'));
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect([stage.issuer.exchanges(), await stage.outcome('alice')]).toEqual([0, `asks ${link}`]);
      expect((await answer.send()).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'a link that another person opens leads them nowhere, and stays good',
    except: {
      'client at a terminal': theMachine,
      'client at a terminal, pasted': theMachine,
      'server on stdio': theMachine,
    },
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const page = await (await stage.openBrowser('bob')).open(link);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(page.html).not.toContain('alice');
      expect((await finish(stage, 'alice', link)).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'an answer from a browser where another person is signed in by now takes nothing',
    except: {
      'client at a terminal': theMachine,
      'client at a terminal, pasted': theMachine,
      'server on stdio': theMachine,
    },
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      const answer = await stage.prepare(browser, link, 'alice');
      await stage.switchUser(browser, 'bob');
      const page = await answer.send();
      expect(stage.issuer.exchanges()).toBe(0);
      expect(page.status).toBeGreaterThanOrEqual(400);
      await stage.switchUser(browser, 'alice');
      expect((await answer.send()).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'a late duplicate of an accepted answer changes nothing, and says that it is done',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      await answer.send();
      const page = await answer.send();
      expect(page.html).toMatch(/already|done|signed in/iu);
      expect([stage.issuer.exchanges(), await stage.outcome('alice', 1)]).toEqual([1, 'holds alice']);
    },
  },
  {
    fact: 'an answer that is sent twice at once counts once, and nobody is told that it failed',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const answer = await stage.prepare(await stage.openBrowser('alice'), link, 'alice');
      const arrived = Promise.withResolvers<void>();
      const both = Promise.withResolvers<void>();
      stage.issuer.onExchange(async () => {
        arrived.resolve();
        await both.promise;
      });
      const first = answer.send();
      await arrived.promise;
      const second = answer.send();
      // Long enough for the second to be found out, or to arrive, too; whichever it is, the facts are the same.
      setTimeout(() => both.resolve(), 100);
      const pages = await Promise.all([first, second]);
      expect(stage.issuer.exchanges()).toBe(1);
      for (const { html } of pages)
        expect(html).not.toMatch(/not used|did not work|nothing was|nothing came/iu);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'a link whose time is over leads nowhere, nor does an answer to it, and the next one is another',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      const answer = await stage.prepare(browser, link, 'alice');
      stage.advance(11 * 60_000);
      expect((await browser.open(link)).status).toBeGreaterThanOrEqual(400);
      expect((await answer.send()).status).toBeGreaterThanOrEqual(400);
      expect(stage.issuer.exchanges()).toBe(0);
      const next = await linkOf(stage, 'alice');
      expect(next).not.toBe(link);
      expect((await finish(stage, 'alice', next)).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'a person who says no is not sent anywhere, and brings nothing',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      await stage.decline(browser, link);
      expect([stage.issuer.exchanges(), await stage.outcome('alice')]).toEqual([
        0,
        'ERR_POSTERN_AUTH_DENIED',
      ]);
      expect((await browser.open(link)).html).toMatch(/declined/iu);
    },
  },
  {
    fact: 'an issuer that is busy ends nothing: the same link leads in when it no longer is',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      const browser = await stage.openBrowser('alice');
      stage.issuer.setBusy(true);
      const page = await (await stage.prepare(browser, link, 'alice')).send();
      expect(page.status).toBeGreaterThanOrEqual(500);
      expect(await stage.outcome('alice')).toBe(`asks ${link}`);
      stage.issuer.setBusy(false);
      expect((await (await stage.prepare(browser, link, 'alice')).send()).status).toBe(200);
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'a person who finishes is there for every instance, and the issuer was asked once',
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      expect(await linkOf(stage, 'alice', 1)).toBe(link);
      expect((await finish(stage, 'alice', link)).status).toBe(200);
      expect([await stage.outcome('alice'), await stage.outcome('alice', 1)]).toEqual([
        'holds alice',
        'holds alice',
      ]);
      expect([stage.issuer.exchanges(), (await stage.outcome('bob')).slice(0, 5)]).toEqual([1, 'asks ']);
    },
  },
  {
    fact: 'an instance that dies with an answer in its hands loses nobody: the link leads in at another',
    except: {
      'client at a terminal': listenerGoes,
      'client at a terminal, pasted': listenerGoes,
      'server on stdio': listenerGoes,
    },
    async check(stage) {
      const link = await linkOf(stage, 'alice');
      stage.serve(0);
      const browser = await stage.openBrowser('alice');
      const answer = await stage.prepare(browser, link, 'alice');
      const arrived = Promise.withResolvers<void>();
      stage.issuer.onExchange(() => {
        stage.kill(0);
        arrived.resolve();
      });
      // Not waited for: it never comes.
      answer.send().catch(() => {});
      await arrived.promise;
      stage.issuer.onExchange(undefined);
      stage.serve(1);
      stage.advance(40_000);
      expect(await stage.outcome('alice', 1)).toBe(`asks ${link}`);
      expect((await (await stage.prepare(browser, link, 'alice')).send()).status).toBe(200);
      expect(await stage.outcome('alice', 1)).toBe('holds alice');
    },
  },
];

runTable('the ladder', cases, pastedBack);

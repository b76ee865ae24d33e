import { createServer, type Server } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCookieBrowser, type Page } from '../support/cookie-browser.ts';
import {
  openMachineDirectory,
  startMachineProcess,
  type MachineProcess,
} from '../support/machine-processes.ts';
import { openStage } from '../support/stage.ts';
import { walk, walkToIssuer } from './walk.ts';

/** What a person does at a link of each kind of program; `holds` is what the program has then. */
const kinds = [
  {
    kind: 'server',
    finish: async (link: string): Promise<Page> => {
      const browser = createCookieBrowser();
      await browser.open(link);
      return browser.submit({ password: 'CNRYzsecretz-good' }, 'save');
    },
    holds: () => 'holds CNRYzsecretz-good',
  },
  {
    kind: 'agent',
    finish: (link: string): Promise<Page> => walk(createCookieBrowser(), link),
    holds: () => 'holds alice',
  },
] as const;

type Kind = (typeof kinds)[number];

/** Programs of one kind on one store. The first is asked for a link before the others start, so the port is its own. */
async function openMachine({ kind }: Pick<Kind, 'kind'>) {
  const stage = await openStage();
  stage.as.approveAs('alice');
  const directory = openMachineDirectory();
  const start = (which: 'agent' | 'server' = kind): Promise<MachineProcess> =>
    startMachineProcess(which, directory, stage.calendar.url);
  return { stage, start };
}

/** Whether anybody answers where a link is. Who opens the link itself owns it. */
async function isAnswered(link: string): Promise<boolean> {
  const response = await fetch(new URL('/connect/nothing', link)).catch(() => undefined);
  await response?.body?.cancel();
  return response !== undefined;
}

/** Waits for a link to be answered. A process that takes over looks every two seconds. */
async function untilAnswered(link: string): Promise<void> {
  await vi.waitFor(async () => expect(await isAnswered(link)).toBe(true), { timeout: 20_000, interval: 100 });
}

/** A foreign program on a port of which nobody else may get hold meanwhile. */
async function bindStranger(
  port: number,
  answer: (url: string) => { status?: number; body: string },
): Promise<{ asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status = 200, body } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': 'text/html' }).end(body);
  });
  await vi.waitFor(
    () =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve);
      }),
    { timeout: 5_000, interval: 20 },
  );
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, server };
}

describe.each(kinds)('five processes of the same $kind on one store', ({ kind, finish, holds }) => {
  test('have one port, which answers the links of all', { timeout: 120_000 }, async () => {
    const { start } = await openMachine({ kind });
    const processes = await Promise.all(Array.from({ length: 5 }, () => start()));
    const links = await Promise.all(processes.map((each, index) => each.linkFor(`service-${index}`)));
    expect(new Set(links.map((link) => new URL(link).port)).size).toBe(1);
    expect(new Set(links).size).toBe(5);
    for (const [index, link] of links.entries()) {
      expect((await finish(link)).status).toBe(200);
      // Whoever asks, whoever made the link, whoever answered it.
      expect(await processes[(index + 1) % 5]!.use(`service-${index}`)).toBe(holds());
    }
  });

  test(
    'go on when the one that answers is killed, each time with the same links',
    { timeout: 120_000 },
    async () => {
      const { start } = await openMachine({ kind });
      const owner = await start();
      const first = await owner.linkFor('service-0');
      const others = await Promise.all(Array.from({ length: 4 }, () => start()));
      const links = await Promise.all(others.map((each, index) => each.linkFor(`service-${index}`)));
      expect(links[0]).toBe(first);
      await owner.kill();
      await untilAnswered(first);
      expect(await Promise.all(others.map((each, index) => each.linkFor(`service-${index}`)))).toEqual(links);
      expect((await finish(first)).status).toBe(200);
      expect(await others[3]!.use('service-0')).toBe(holds());
      // Whichever of them answers by now: one after the other goes, and the last answers everything.
      for (const each of others.slice(0, 3)) await each.kill();
      await untilAnswered(links[3]!);
      await untilAnswered(links[1]!);
      expect((await finish(links[3]!)).status).toBe(200);
      expect(await others[3]!.use('service-3')).toBe(holds());
    },
  );
});

test.each(kinds)(
  'of the kind $kind, one that was started again has a way on for a link that another browser owns',
  { timeout: 120_000 },
  async ({ kind, finish, holds }) => {
    const { start } = await openMachine({ kind });
    const before = await start();
    const link = await before.linkFor('disk');
    if (kind === 'agent') await walkToIssuer(createCookieBrowser(), link);
    else await createCookieBrowser().open(link);
    await before.kill();

    const after = await start();
    expect(await after.linkFor('disk')).toBe(link);
    const browser = createCookieBrowser();
    const page = await browser.open(link);
    expect([page.status, page.html.includes('End this link')]).toEqual([403, true]);
    expect((await browser.submit({}, 'end-link')).status).toBe(200);
    const next = await after.linkFor('disk');
    expect(next).not.toBe(link);
    expect((await finish(next)).status).toBe(200);
    await vi.waitFor(async () => expect(await after.use('disk')).toBe(holds()), { timeout: 20_000 });
  },
);

test(
  'a server that waits at a link which is ended in another browser asks anew within the same call',
  { timeout: 60_000 },
  async () => {
    const { start } = await openMachine({ kind: 'server' });
    const [server, other] = [await start(), await start()];
    const link = await server.linkFor('disk');
    await createCookieBrowser().open(link);
    const waiting = server.use('disk', { waitMs: 45_000 });
    const browser = createCookieBrowser();
    await browser.open(link);
    expect((await browser.submit({}, 'end-link')).status).toBe(200);
    const next = await vi.waitFor(
      async () => {
        const asked = await other.linkFor('disk');
        expect(asked).not.toBe(link);
        return asked;
      },
      { timeout: 20_000 },
    );
    await browser.open(next);
    expect((await browser.submit({ password: 'CNRYzsecretz-good' }, 'save')).status).toBe(200);
    expect(await waiting).toBe('holds CNRYzsecretz-good');
  },
);

const strangers = [
  ['answers everything with a page', () => ({ body: '<form method="post"><input name="password"></form>' })],
  ['answers that there is nothing', () => ({ status: 404, body: '' })],
  ['replays an earlier proof', (proof: string) => ({ body: proof })],
] as const;

describe.each(strangers)('a stranger on the port that %s', (_what, answer) => {
  test(
    'gets no link: those on its port are withdrawn, and asked for anew on another',
    { timeout: 60_000 },
    async () => {
      const { start } = await openMachine({ kind: 'server' });
      const [owner, waiting] = [await start(), await start()];
      const link = await owner.linkFor('disk');
      const { origin, port, pathname } = new URL(link);
      const proof = await (await fetch(`${origin}/.well-known/postern-gate?nonce=${'n'.repeat(32)}`)).text();
      expect(proof).toMatch(/^[\w-]{43}$/u);
      expect(await waiting.linkFor('disk')).toBe(link);
      const waited = waiting.use('disk', { waitMs: 45_000 });
      // Asked after it and answered: that one waits by now.
      expect(await waiting.linkFor('disk')).toBe(link);
      waiting.freeze();
      await owner.kill();
      const { asked } = await bindStranger(Number(port), () => answer(proof));
      waiting.thaw();
      // Who waits for that link is told that it is over, not left waiting for a stranger.
      expect(await waited).toBe('ERR_POSTERN_PENDING_CANCELLED');
      const late = await start();
      for (const each of [waiting, late]) {
        const next = await each.linkFor('disk');
        expect(new URL(next).port).not.toBe(port);
        expect(next).not.toContain(pathname);
      }
      const next = await late.linkFor('disk');
      const old = await createCookieBrowser().open(new URL(pathname, next).href);
      expect([old.status >= 400, old.html.includes('<form')]).toEqual([true, false]);
      expect((await kinds[0].finish(next)).status).toBe(200);
      expect(await waiting.use('disk')).toBe('holds CNRYzsecretz-good');
      // The stranger was asked who it is, and nothing else.
      expect(asked.filter((url) => !url.startsWith('/.well-known/postern-gate?nonce='))).toEqual([]);
    },
  );
});

test(
  'a link whose port a stranger has by the next start is not handed out',
  { timeout: 60_000 },
  async () => {
    const { start } = await openMachine({ kind: 'agent' });
    const owner = await start();
    const link = await owner.linkFor('alice');
    const { port } = new URL(link);
    await owner.kill();
    await bindStranger(Number(port), () => ({ body: 'Welcome' }));
    const next = await (await start()).linkFor('alice');
    expect(new URL(next).port).not.toBe(port);
    expect((await walk(createCookieBrowser(), next)).status).toBe(200);
  },
);

describe('a restart while a link lives', () => {
  test.each(['kill', 'close'] as const)(
    'after a %s is answered at once',
    { timeout: 60_000 },
    async (how) => {
      const { start } = await openMachine({ kind: 'server' });
      const before = await start();
      const link = await before.linkFor('disk');
      await before[how]();
      await vi.waitFor(async () => expect(await isAnswered(link)).toBe(false), { timeout: 10_000 });
      const after = await start();
      // Nobody has asked for it there.
      await untilAnswered(link);
      expect((await kinds[0].finish(link)).status).toBe(200);
      expect(await after.use('disk')).toBe('holds CNRYzsecretz-good');
    },
  );

  test('is over when the link is finished: the port is free again', { timeout: 60_000 }, async () => {
    const { start } = await openMachine({ kind: 'server' });
    const before = await start();
    const link = await before.linkFor('disk');
    await before.kill();
    await start();
    await untilAnswered(link);
    expect((await kinds[0].finish(link)).status).toBe(200);
    await vi.waitFor(async () => expect(await isAnswered(link)).toBe(false), {
      timeout: 20_000,
      interval: 250,
    });
  });
});

test(
  'what the one that answers does not know is finishing elsewhere, and nothing of it is consumed',
  { timeout: 60_000 },
  async () => {
    const { start } = await openMachine({ kind: 'server' });
    const agent = await start('agent');
    await agent.linkFor('alice');
    const server = await start('server');
    const link = await server.linkFor('disk');
    const browser = createCookieBrowser();
    const page = await browser.open(link);
    expect([page.status, page.html.includes('finishing elsewhere')]).toEqual([503, true]);
    const posted = await fetch(link, {
      method: 'POST',
      body: new URLSearchParams({ password: 'CNRYzsecretz-lost' }),
    });
    expect(posted.status).toBe(503);
    expect(await server.linkFor('disk')).toBe(link);
    await agent.kill();
    await untilAnswered(link);
    // Another browser than the one that met the agent: that one has not come to own the link.
    expect((await kinds[0].finish(link)).status).toBe(200);
    expect(await server.use('disk')).toBe('holds CNRYzsecretz-good');
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, findFreePort } from '../child.ts';
import type { Findings } from '../columns.ts';
import { bridgeTo, exposing } from '../hop-programs.ts';
import { describePages, finish, type SeenPage } from '../person.ts';
import { expect, Story } from './story.ts';

/** How a client reaches our server. */
export const modes = {
  session: 'in a session',
  stateless: 'stateless',
  stdio: 'stdio',
  bridge: 'through bridge',
  expose: 'through expose',
} as const;
export type Mode = keyof typeof modes;

/** A script that calls our tool through somebody's client, and tells what its user would see. */
export interface ClientPeer {
  readonly script: string;
  readonly args?: readonly string[];
  readonly mode: Mode;
}

/** What a call came to, as the client gave it to the program that made it. */
interface Outcome {
  readonly text: string;
}

const serverScript = fileURLToPath(new URL('../server/secret-server-process.ts', import.meta.url));
const stdioScript = fileURLToPath(new URL('../server/stdio-server-process.ts', import.meta.url));
const done = /directory as alice/u;
const storm = 20;

/** Has a client call a tool that needs a secret of its person, who gives it on the server's page. */
export async function tellClientStory(peer: ClientPeer): Promise<Findings> {
  const root = await mkdtemp(join(tmpdir(), 'postern-interop-'));
  const directory = join(root, 'server');
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const program = { script: serverScript, args: [String(port), directory] };
  const exposedPort = peer.mode === 'expose' ? await findFreePort() : undefined;
  const gateway =
    exposedPort === undefined
      ? undefined
      : exposing(exposedPort, { script: stdioScript, args: [origin, directory] });
  const target = {
    session: { url: `${origin}/session/mcp` },
    stateless: { url: `${origin}/mcp` },
    stdio: {
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', stdioScript, origin, directory],
    },
    bridge: bridgeTo(`${origin}/session/mcp`),
    expose: { url: `http://127.0.0.1:${exposedPort}/mcp` },
  }[peer.mode];
  const story = new Story();
  const walks = new Map<string, Promise<SeenPage[]>>();
  let server: Child | undefined;
  let exposed: Child | undefined;
  let client: Child | undefined;

  /** The person opens every link they are shown, once, at once. */
  const read = (text: string): string[] => {
    const links = text.match(new RegExp(`${origin}/oob/connect/[\\w-]+`, 'gu')) ?? [];
    for (const link of links) {
      if (walks.has(link)) continue;
      const walk = finish(link, (url) => url.port === String(port));
      walk.catch(() => {});
      walks.set(link, walk);
    }
    return links;
  };
  const startServer = async (): Promise<void> => {
    server = await Child.start(program);
    if (gateway !== undefined) exposed = await Child.start({ ...gateway, cwd: root, env: { HOME: root } });
  };
  const endServer = async (): Promise<void> => {
    await Promise.all([server?.kill(), exposed?.kill()]);
  };
  const startClient = async (): Promise<void> => {
    client = await Child.start({
      script: peer.script,
      args: [JSON.stringify(target), ...(peer.args ?? [])],
      cwd: root,
      env: { HOME: root, TMPDIR: root, NODE_ENV: 'production' },
    });
    client.onShown = read;
  };
  const call = async (): Promise<Outcome> => {
    const outcome = (await client?.ask('call')) as Outcome;
    read(outcome.text);
    return outcome;
  };
  const answered = async (tries = 1): Promise<string> => {
    for (let made = 1; ; made++) {
      const { text } = await call();
      if (done.test(text)) return `call ${made} was answered`;
      expect(made < tries, `call ${made} ended with ${text.slice(0, 400)}`);
    }
  };
  /** Calls, expecting that the person is asked by one new link; the person has answered when this resolves. */
  const asked = async (count: number): Promise<Outcome[]> => {
    const before = new Set(walks.keys());
    const outcomes = await Promise.all(Array.from({ length: count }, call));
    // Also what should not have been shown is over before anything else is tried.
    await Promise.allSettled(walks.values());
    const links = [...walks.keys()].filter((link) => !before.has(link));
    expect(links.length > 0, `nobody was shown a link: ${outcomes[0]?.text.slice(0, 400)}`);
    expect(links.length === 1, `${links.length} links for ${count} calls`);
    const pages = (await walks.get(links[0] ?? '')) ?? [];
    const last = pages.at(-1);
    expect(last?.of === 'ours' && last.status === 200, `the link led to: ${describePages(pages)}`);
    return outcomes;
  };

  try {
    await startServer();
    await startClient();
    let first: Outcome | undefined;
    await story.check(
      'login',
      async () => {
        [first] = await asked(1);
        return describePages((await [...walks.values()].at(-1)) ?? []);
      },
      { needed: true },
    );
    await story.check('call', async () => {
      if (done.test(first?.text ?? '')) return 'the call itself went on';
      await answered();
      return 'the next call was answered';
    });
    await story.check('twenty calls', async () => {
      await server?.ask('forget');
      const outcomes = await asked(storm);
      const open = outcomes.filter(({ text }) => !done.test(text));
      await Promise.all(open.map(() => answered()));
      return `1 link; ${storm - open.length} went on, ${open.length} were answered when called again`;
    });
    await story.check('revocation', async () => {
      await server?.ask('forget');
      const [outcome] = await asked(1);
      if (!done.test(outcome?.text ?? '')) await answered();
      return 'asked again, and back';
    });
    if (peer.mode !== 'stdio') {
      await story.check('our restart', async () => {
        await endServer();
        await startServer();
        return answered(2);
      });
    }
    await story.check('their restart', async () => {
      await client?.kill();
      await startClient();
      return answered();
    });
    await story.check('pages', async () => {
      const pages = (await Promise.all(walks.values())).map((walk) => walk.at(-1));
      const bad = pages.find((page) => page?.of !== 'ours' || page.status !== 200 || page.title === '');
      expect(bad === undefined, `a link led to ${describePages(bad === undefined ? [] : [bad])}`);
      return [...new Set(pages.map((page) => `${page?.of} ${page?.status} “${page?.title}”`))].join(', ');
    });
  } catch (error) {
    await story.check('login', () => Promise.reject(error), { needed: true });
  } finally {
    await client?.kill();
    await endServer();
    await rm(root, { recursive: true, force: true });
  }
  return story.findings;
}

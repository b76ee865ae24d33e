import { Client } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCookieBrowser, type CookieBrowser } from '../support/cookie-browser.ts';
import { openMachineDirectory } from '../support/machine-processes.ts';

const program = fileURLToPath(new URL('../support/machine-stdio-server.ts', import.meta.url));

/** A server as its client starts it. */
function start(directory: string, whenLeft: 'closes' | 'ends' = 'closes'): ChildProcess {
  const args = ['--disable-warning=ExperimentalWarning', program, directory, whenLeft];
  // Whatever happens to the test, no process stays behind.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: 120_000 });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** A client on the pipes of a server. It ends no process: what becomes of that is what is looked at. */
async function connect(
  { stdin, stdout }: ChildProcess,
  urls = false,
): Promise<{ client: Client; prompts: string[] }> {
  const client = new Client(
    { name: 'client', version: '1.0.0' },
    { capabilities: urls ? { elicitation: { url: {} } } : {}, versionNegotiation: { mode: 'legacy' } },
  );
  const prompts: string[] = [];
  if (urls) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode === 'url') prompts.push(params.url);
      return { action: 'accept' };
    });
  }
  await client.connect(new StdioServerTransport(stdout as never, stdin as never));
  return { client, prompts };
}

/** What a call says: its result, or the link in its words. */
async function call(client: Client): Promise<string> {
  const { content } = await client.callTool({ name: 'length', arguments: {} });
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
}

function linkIn(text: string): string {
  const [link] = /http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]+/u.exec(text) ?? [];
  if (link === undefined) throw new Error(`no link in ${JSON.stringify(text)}`);
  return link;
}

/** How a process ends by itself: with nothing sent to it but the end of its input. */
async function leave(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  const exited = once(child, 'exit');
  child.stdin?.end();
  const [code, signal] = (await exited) as [number | null, string | null];
  return { code, signal };
}

/** Opens a link as soon as anybody answers it. */
async function untilShown(browser: CookieBrowser, link: string): Promise<void> {
  const status = async (): Promise<number> => {
    try {
      return (await browser.open(link)).status;
    } catch {
      return 0;
    }
  };
  await expect.poll(status, { timeout: 20_000 }).toBe(200);
}

test('a server that is killed and started again answers its link, and the next call has what came of it', async () => {
  const directory = openMachineDirectory();
  const first = start(directory);
  const link = linkIn(await call((await connect(first)).client));
  const killed = once(first, 'exit');
  first.kill('SIGKILL');
  await killed;
  const { client } = await connect(start(directory));
  const browser = createCookieBrowser();
  await untilShown(browser, link);
  expect((await browser.submit({ password: 'CNRYzsecretz-good' }, 'save')).status).toBe(200);
  expect(await call(client)).toBe(String('CNRYzsecretz-good'.length));
}, 60_000);

describe.each(['closes', 'ends'] as const)(
  'a server whose client has gone, and which then %s',
  (whenLeft) => {
    test('ends by itself although its link lives, and answers it after its next start', async () => {
      const directory = openMachineDirectory();
      const child = start(directory, whenLeft);
      const link = linkIn(await call((await connect(child)).client));
      expect(await leave(child)).toEqual({ code: 0, signal: null });
      start(directory);
      const browser = createCookieBrowser();
      await untilShown(browser, link);
      expect((await browser.submit({ password: 'CNRYzsecretz-good' }, 'save')).status).toBe(200);
    }, 60_000);

    test('ends by itself although a person was prompted, and is at the page', async () => {
      const child = start(openMachineDirectory(), whenLeft);
      const { client, prompts } = await connect(child, true);
      // The call waits for its person; when its client has gone, nobody does.
      const waiting = call(client).catch(() => 'cut off');
      await expect.poll(() => prompts.length, { timeout: 20_000 }).toBe(1);
      const page = await createCookieBrowser().open(prompts[0] ?? '');
      expect(page.html).toContain('<form');
      expect(await leave(child)).toEqual({ code: 0, signal: null });
      await client.close();
      expect(await waiting).toBe('cut off');
    }, 60_000);
  },
);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createCookieBrowser, departureOn } from '../demo/browser.ts';
import { JsonRpcClient, type RpcToolResult } from '../examples/login-tool/json-rpc-client.ts';
import { startProgrammableAuthorizationServer } from '../test/support/programmable-authorization-server.ts';
import { ProgrammableDevices } from '../test/support/programmable-devices.ts';

/** Where the programs of docs/guides/stdio-server.md were written to. */
export interface StdioGuide {
  readonly server: string;
  readonly small: string;
  /** Where they may keep what they keep. */
  readonly data: string;
  /** The program that runs them. */
  readonly node: string;
}

/** Runs the programs of the guide as their client does, and goes through their links as their person does. @throws {Error} when one does not do what the guide says. */
export async function checkStdioGuide({ server, small, data, node }: StdioGuide): Promise<void> {
  await using provider = await startProgrammableAuthorizationServer({
    claims: (subject) => ({ preferred_username: subject }),
  });
  const devices = new ProgrammableDevices(provider);
  devices.isAllowed = () => true;
  provider.approveAs('al@home.example');
  const env = { ISSUER: provider.issuer, XDG_DATA_HOME: data };

  await withServer(node, server, env, async (client) => {
    const photos = await client.call('login_photos', { handle: 'al@home.example' });
    check('a login is no error', photos.isError !== true);
    await walk(linkIn(photos));
    await untilDone(client, 'login_photos');
    check(
      'a redirect leads to a token',
      textOf(await client.call('albums')).startsWith('albums, with a token'),
    );

    const page = await createCookieBrowser().open(linkIn(await client.call('login_tasks')));
    check('a code is shown', page.html.includes('WDJB-'));
    devices.approve('al@home.example');
    await untilDone(client, 'login_tasks');
    check('a code leads to a token', textOf(await client.call('todo')).startsWith('to do, with a token'));

    await enterKey(linkIn(await client.call('login_notes')));
    await untilDone(client, 'login_notes');
    check('a form leads to a key', textOf(await client.call('note')) === 'a note, with a key of 12 letters');
  });
  await withServer(node, small, env, async (client) => {
    const asked = await client.call('note');
    check('a tool shows the link when it needs a key', asked.isError === true);
    await enterKey(linkIn(asked));
    check('and has the key then', textOf(await client.call('note')) === 'a note, with a key of 12 letters');
  });
}

async function withServer(
  node: string,
  program: string,
  env: Readonly<Record<string, string>>,
  work: (client: JsonRpcClient) => Promise<void>,
): Promise<void> {
  const child = spawn(node, ['--no-warnings', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit');
  try {
    const client = new JsonRpcClient(child);
    await client.initialize();
    await work(client);
    for (const line of client.lines) JSON.parse(line);
  } finally {
    child.stdin.end();
    const [code] = (await exited) as [number | null];
    check('the server ends with its client', code === 0);
  }
}

async function untilDone(client: JsonRpcClient, tool: string): Promise<void> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    const { structuredContent } = await client.call(tool, { command: 'list' });
    const { accounts } = structuredContent as { accounts: readonly unknown[] };
    if (accounts.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${tool} does not come to an account`);
}

async function walk(link: string): Promise<void> {
  const browser = createCookieBrowser();
  await browser.open(link);
  const page = await browser.submit({}, 'continue');
  const { status } = await browser.open(departureOn(page) ?? '');
  check('the person is told that it is done', status === 200);
}

async function enterKey(link: string): Promise<void> {
  const browser = createCookieBrowser();
  await browser.open(link);
  const { status } = await browser.submit({ key: 'key-of-a-day' }, 'save');
  check('a key is taken', status === 200);
}

function linkIn({ structuredContent }: RpcToolResult): string {
  return (structuredContent as { pending: { url: string } }).pending.url;
}

function textOf({ content }: RpcToolResult): string {
  return content.map(({ text }) => text).join('\n');
}

function check(fact: string, isSo: boolean): void {
  if (!isSo) throw new Error(`it is not so that ${fact}`);
}

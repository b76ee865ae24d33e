import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { ChildProgram } from '../support/child-program.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { textOf } from '../support/stage.ts';
import type { FromWaitingServer } from '../support/waiting-server-process.ts';

type Process = ChildProgram<never, FromWaitingServer> & { readonly port: number };

/** A balancer that passes bytes on, each connection to the first process that takes it, and repeats nothing. */
async function openBalancer(processes: readonly Process[]): Promise<string> {
  const server = createServer((client) => {
    const alive = processes.find(({ isAlive }) => isAlive);
    if (alive === undefined) return void client.destroy();
    const inner = connect(alive.port, '127.0.0.1');
    client.pipe(inner).pipe(client);
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      one.on('error', () => {});
      one.once('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openWorld() {
  const directory = mkdtempSync(join(tmpdir(), 'postern-leaving-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const processes: Process[] = [];
  const origin = await openBalancer(processes);
  const start = async (name: string): Promise<Process> => {
    const child = new ChildProgram<never, FromWaitingServer>({
      name,
      program: new URL('../support/waiting-server-process.ts', import.meta.url),
      args: [directory, origin],
    });
    onTestFinished(() => child.end());
    const port = await child.heard('its port', (said) => ('port' in said ? said.port : undefined));
    const running = Object.assign(child, { port });
    processes.push(running);
    return running;
  };
  const first = await start('the first process');
  const second = await start('the second process');
  const links: string[] = [];
  const client = new Client(
    { notes: { url: `${origin}/mcp`, auth: { type: 'none' } } },
    {
      connectTimeoutMs: 20_000,
      handlers: {
        elicitation: async (request) => {
          if (request.mode === 'url') links.push(request.url);
          return { action: 'accept' };
        },
      },
    },
  );
  onTestFinished(() => client.close());
  return {
    first,
    second,
    links,
    call: client.callTool('notes', {}, { server: 'notes' }),
    finish: async (): Promise<void> => {
      const browser = createCookieBrowser();
      await browser.open(links[0]!);
      expect((await browser.submit({ key: 'alice' }, 'save')).status).toBe(200);
    },
  };
}

const waits = (process: Process): Promise<true> =>
  process.heard('that a call waits', (said) => ('waiting' in said ? true : undefined));
const runs = ({ messages }: Process): unknown[] =>
  messages.filter((said) => 'run' in said && said.run === 'done');

test('a process that is stopped while a call waits there is gone at once, and the call goes on in another', async () => {
  const world = await openWorld();
  await waits(world.first);
  world.first.signal('SIGTERM');
  // It would wait for five minutes.
  expect(await world.first.exited).toEqual({ code: 0, signal: null });
  expect(world.first.messages).toContainEqual({ stopped: true });
  await waits(world.second);
  await world.finish();
  expect(textOf(await world.call)).toBe('the notes of alice');
  expect([...runs(world.first), ...runs(world.second)]).toHaveLength(1);
  expect(world.links).toHaveLength(1);
});

test('a process that is killed while a call waits there takes the call with it for a moment: it is sent to another', async () => {
  const world = await openWorld();
  await waits(world.first);
  world.first.signal('SIGKILL');
  await waits(world.second);
  await world.finish();
  expect(textOf(await world.call)).toBe('the notes of alice');
  expect([...runs(world.first), ...runs(world.second)]).toHaveLength(1);
});

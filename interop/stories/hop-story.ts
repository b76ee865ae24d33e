import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, findFreePort, type Program } from '../child.ts';
import type { Findings } from '../columns.ts';
import { bridgeTo, exposing } from '../hop-programs.ts';
import { referenceServers, type ReferenceServer } from '../reference-servers.ts';
import { expect, Story } from './story.ts';

/** What stands between a client and the servers it uses. */
export const hops = { bridge: 'through bridge', expose: 'through expose' } as const;
export type Hop = keyof typeof hops;

/** A script that calls a tool through somebody's client, and tells what its user would see. */
export interface HopPeer {
  readonly script: string;
  readonly args?: readonly string[];
  readonly hop: Hop;
}

const storm = 20;

/** Has a client call tools of public servers that it reaches through a hop. */
export async function tellHopStory(peer: HopPeer): Promise<Findings> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-interop-'));
  const story = new Story();
  const [first, ...others] = referenceServers(directory);
  const running: Child[] = [];
  const start = async (program: Program): Promise<Child> => {
    const child = await Child.start({ ...program, cwd: directory, env: { ...program.env, HOME: directory } });
    running.push(child);
    return child;
  };
  /** Starts what a client then reaches, and returns it with where that is. */
  const serve = async (server: ReferenceServer): Promise<{ program: Program; target: object }> => {
    const port = await findFreePort();
    // Through the bridge there must be something at the other end that speaks HTTP: the server's own, or expose.
    const listens = peer.hop === 'bridge' && server.http !== undefined;
    const program = listens ? (server.http?.(port) ?? server.stdio) : exposing(port, server.stdio);
    const url = `http://127.0.0.1:${port}/mcp`;
    return { program, target: peer.hop === 'bridge' ? bridgeTo(url) : { url } };
  };
  const startClient = (target: object, { tool }: ReferenceServer): Promise<Child> =>
    start({
      script: peer.script,
      args: [JSON.stringify(target), ...(peer.args ?? [])],
      env: { TMPDIR: directory, NODE_ENV: 'production', INTEROP_TOOL: JSON.stringify(tool) },
    });
  const answered = async (client: Child, { answer }: ReferenceServer, tries: number): Promise<void> => {
    for (let made = 1; ; made++) {
      const { text } = (await client.ask('call')) as { text: string };
      if (answer.test(text)) return;
      expect(made < tries, `call ${made} ended with ${text.slice(0, 300)}`);
    }
  };

  try {
    const { program, target } = await serve(first);
    let server: Child | undefined;
    let client: Child | undefined;
    await story.check(
      'call',
      async () => {
        server = await start(program);
        client = await startClient(target, first);
        await answered(client, first, 1);
        for (const other of others) {
          const served = await serve(other);
          await start(served.program);
          const another = await startClient(served.target, other);
          await answered(another, other, 1);
          await another.kill();
        }
        return [first, ...others].map(({ name }) => name).join(', ');
      },
      { needed: true },
    );
    await story.check('twenty calls', async () => {
      const calls = Array.from({ length: storm }, async () => client && answered(client, first, 1));
      await Promise.all(calls);
      return `${storm} answered`;
    });
    await story.check(peer.hop === 'bridge' ? 'their restart' : 'our restart', async () => {
      await server?.kill();
      server = await start(program);
      if (client !== undefined) await answered(client, first, 2);
      return 'one of the next two calls was answered';
    });
    if (peer.hop === 'expose') {
      await story.check('their restart', async () => {
        await client?.kill();
        client = await startClient(target, first);
        await answered(client, first, 1);
        return 'the first call was answered';
      });
    }
  } finally {
    await Promise.all(running.map((child) => child.kill()));
    await rm(directory, { recursive: true, force: true });
  }
  return story.findings;
}

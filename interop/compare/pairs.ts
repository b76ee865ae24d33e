import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEverythingServer } from '../../test/conformance/server/start-everything-server.ts';
import { Child, findFreePort } from '../child.ts';
import { bridgeTo, exposing, type StdioProgram } from '../hop-programs.ts';
import { referenceServers } from '../reference-servers.ts';
import type { Era } from './scripts.ts';
import { openHttp, openStdio, type Wire } from './wire.ts';

/** One server, reached in two ways, each time as if nobody had used it before. */
export interface Pair {
  readonly label: string;
  readonly era: Era;
  readonly direct: () => Promise<Opened>;
  readonly through: () => Promise<Opened>;
}

export interface Opened {
  readonly wire: Wire;
  close(): Promise<void>;
}

const stdioEverything: StdioProgram = {
  script: fileURLToPath(
    new URL('../../test/conformance/server/stdio-everything-process.ts', import.meta.url),
  ),
};

/** @param directory where servers and programs of ours keep what they keep. */
export function pairs(directory: string): Pair[] {
  const references = referenceServers(directory);
  return [
    ...(['2025-11-25', '2026-07-28'] as const).flatMap((era) => [
      {
        label: `a server of ours, ${era}, through bridge`,
        era,
        direct: () => everythingOfOurs((url) => openHttp(url)),
        through: () => everythingOfOurs((url) => openBridge(url, directory)),
      },
      {
        label: `a server of ours, ${era}, through expose`,
        era,
        direct: async () => openProgram(stdioEverything, directory),
        through: () => openExposed(stdioEverything, directory),
      },
    ]),
    ...references.flatMap(({ name, http }) =>
      http === undefined
        ? []
        : [
            {
              label: `${name}, through bridge`,
              era: '2025-11-25' as const,
              direct: () => openListening(http, (url) => openHttp(url)),
              through: () => openListening(http, (url) => openBridge(url, directory)),
            },
          ],
    ),
    ...references.map(({ name, stdio }) => ({
      label: `${name}, through expose`,
      era: '2025-11-25' as const,
      direct: async () => openProgram(stdio, directory),
      through: () => openExposed(stdio, directory),
    })),
  ];
}

async function everythingOfOurs(open: (url: string) => Wire): Promise<Opened> {
  const server = await startEverythingServer();
  return opened(open(server.url), () => server.close());
}

async function openListening(
  listening: NonNullable<ReturnType<typeof referenceServers>[number]['http']>,
  open: (url: string) => Wire,
): Promise<Opened> {
  const port = await findFreePort();
  const server = await Child.start(listening(port));
  return opened(open(`http://127.0.0.1:${port}/mcp`), () => server.kill());
}

function openBridge(url: string, directory: string): Wire {
  const { command, args } = bridgeTo(url);
  return openStdio([command, ...args], { cwd: join(directory) });
}

function openProgram({ script, args = [], env = {} }: StdioProgram, directory: string): Opened {
  return opened(openStdio([process.execPath, script, ...args], { cwd: directory, env }));
}

async function openExposed(program: StdioProgram, directory: string): Promise<Opened> {
  const port = await findFreePort();
  const gateway = await Child.start({ ...exposing(port, program), cwd: directory, env: { HOME: directory } });
  return opened(openHttp(`http://127.0.0.1:${port}/mcp`), () => gateway.kill());
}

function opened(wire: Wire, close: () => Promise<void> = async () => {}): Opened {
  return {
    wire,
    async close() {
      await wire.close();
      await close();
    },
  };
}

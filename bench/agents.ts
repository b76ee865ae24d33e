import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AgentRuns } from '../src/agents/agent-runs.ts';
import type { Turn } from '../src/agents/turn.ts';
import type { ClientManager } from '../src/client/client-manager.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, Figure } from './bench.ts';
import { contextId, openGranted, serverName } from './clients/postern.ts';
import { race, sizesOf, type Contender } from './race.ts';
import { startBenchServer } from './servers/start-bench-server.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const folder = new URL('../e2e/agents/', import.meta.url);

/** What is used of `e2e/agents/bench-contenders.ts`, which the frameworks stand beside. */
interface Frameworks {
  readonly frameworks: Readonly<
    Record<
      string,
      {
        readonly own: (url: string, token: string) => Promise<Omit<Contender, 'label'>>;
        readonly ours: (turn: Turn, name: string) => Promise<Omit<Contender, 'label'>>;
      }
    >
  >;
}

/** What a framework's face adds to a tool call over the framework's own client of MCP. */
export const agents: Bench = {
  name: 'agents',
  run: (options) =>
    withTemporaryDirectory(async (directory) => {
      if (!existsSync(new URL('node_modules', folder))) {
        const notes = ['The frameworks are not installed. To add them: npm --prefix e2e/agents ci'];
        return { title: 'a tool call through a framework: left out', figures: [], notes };
      }
      const { frameworks } = (await import(new URL('bench-contenders.ts', folder).href)) as Frameworks;
      const figures: Figure[] = [];
      for (const [name, { own, ours }] of Object.entries(frameworks)) {
        await using server = await startBenchServer();
        const { access_token: token } = await server.issueGrant();
        const contenders: Contender[] = [
          { label: `${name}, its own client`, ...(await own(server.mcpUrl, token)) },
        ];
        for (const [store, storage] of [
          ['memory', new MemoryBackend()],
          ['sealed SQLite', openLocalStorage(join(directory, name))],
        ] as const) {
          const { manager, close } = await openGranted(server, storage);
          const turn = await turnOf(manager);
          const { call } = await ours(turn, `${serverName}__echo`);
          contenders.push({ label: `Postern in ${name} on ${store}`, call, close });
        }
        try {
          figures.push(...(await race({ label: `agents, ${name}`, aim: 1.05 }, contenders, options)));
        } finally {
          await Promise.all(contenders.map((contender) => contender.close()));
        }
      }
      return {
        title: `a tool call through a framework, ${sizesOf(options).rounds} rounds`,
        figures,
        notes: [
          'The baseline is the framework’s own client of MCP with a static header; nothing of it tells users apart.',
          'A call through a face asks first whether a person is needed; with a credential at hand that reads nothing.',
        ],
      };
    }),
};

function turnOf(manager: ClientManager): Promise<Turn> {
  const runs = new AgentRuns(manager, {
    name: 'bench',
    tell: () => {},
    onAnswer: () => {},
    advance: async () => ({ answer: null }),
  });
  return runs.turn(contextId);
}

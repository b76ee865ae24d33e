import { onTestFinished } from 'vitest';
import {
  ClientManager,
  RemoteAuthCoordinator,
  type Client,
  type ClientHandlers,
} from '../../../src/client/index.ts';
import type { ResumePolicy } from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import { openPageHost, userOf, type PageHost } from '../../support/page-host.ts';
import { openToolStage, type Era, type ToolStage } from '../../support/tool-stage.ts';

export const accept: NonNullable<ClientHandlers['elicitation']> = () => ({ action: 'accept' });

export interface Pair {
  readonly server: ToolStage;
  readonly manager: ClientManager;
  readonly client: Client;
  readonly host: PageHost;
  /** Another process of the agent, on the same store. */
  startAnother(): ClientManager;
}

/** A Postern client on a Postern server whose tool needs something of a person. */
export async function openPair(
  era: Era,
  elicitation?: ClientHandlers['elicitation'],
  resume: ResumePolicy = { sweepMs: 100 },
): Promise<Pair> {
  const server = await openToolStage({ tool: { waitMs: 20, sessionWaitMs: 8_000 } });
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const storage = new MemoryBackend();
  const config = { url: server.mcpUrl(era), headers: { authorization: 'Bearer alice' } };
  const startAnother = (): ClientManager => {
    const coordinator = new RemoteAuthCoordinator({
      storage,
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      resume,
    });
    host.handlers.splice(0, host.handlers.length, coordinator.fetch);
    const manager = new ClientManager(
      { queries: config },
      {
        coordinator,
        versionNegotiation: era === 'modern' ? { pin: '2026-07-28' } : 'legacy',
        ...(elicitation && { handlers: { elicitation } }),
      },
    );
    onTestFinished(() => manager.close());
    return manager;
  };
  const manager = startAnother();
  return { server, manager, client: await manager.getClient('alice'), host, startAnother };
}

/** The link that the server waits at. */
export async function theirLink({ server }: Pick<Pair, 'server'>, connection = 'db'): Promise<string> {
  const principal = await server.oob.principal({ claims: { sub: 'alice' } });
  const interaction = await server.oob.credentials.findInteraction(principal, connection);
  if (interaction === undefined) throw new Error('the server asks for nothing');
  return interaction.url;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AuthConfig } from '../../src/client/index.ts';
import type { AgentAnswer, AgentQuestion, CallOutcome } from './agent-process.ts';
import type { PageHost } from './page-host.ts';
import { startPageProcess } from './page-process.ts';

/** A running process of `agent-process.ts`. */
export interface AgentProcess {
  call(contextId: string, calls?: number): Promise<readonly CallOutcome[]>;
  /** By the official client, which has our `authProvider`. */
  callOfficially(contextId: string, calls?: number): Promise<readonly CallOutcome[]>;
  status(contextId: string): Promise<string | undefined>;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

/** Starts processes on one store. The pages of the host are served by all of them in turn. */
export async function startAgents(
  count: number,
  {
    host,
    calendarUrl,
    auth,
    signInBy = 'auto',
  }: { host: PageHost; calendarUrl: string; auth?: AuthConfig; signInBy?: string },
): Promise<readonly AgentProcess[]> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-agents-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = new URL('agent-process.ts', import.meta.url);
  const args = [directory, host.publicUrl, calendarUrl, signInBy];
  // Others on the machine can read arguments, and a secret is none of them.
  const env = { AGENT_AUTH: JSON.stringify(auth ?? { type: 'oauth' }) };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { ask, kill } = await startPageProcess<AgentQuestion, AgentAnswer>(program, args, host, env);
      return {
        kill,
        call: async (contextId, calls = 1) => (await ask({ contextId, calls })).outcomes,
        callOfficially: async (contextId, calls = 1) =>
          (await ask({ contextId, calls, official: true })).outcomes,
        status: async (contextId) => (await ask({ contextId, calls: 0 })).status,
      } satisfies AgentProcess;
    }),
  );
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Acquired, Acquisition } from './oob-process.ts';
import type { PageHost } from './page-host.ts';
import { startPageProcess } from './page-process.ts';

/** A running process of `oob-process.ts`. */
export interface ServerProcess {
  acquire(call: Acquisition): Promise<readonly Acquired[]>;
  /** As a crash would end it. */
  kill(): Promise<void>;
}

/** Starts processes on one sealed store. The pages of the host are served by all of them in turn. */
export async function startServers(
  count: number,
  options: { host: PageHost; issuer: string; leaseMs?: number },
): Promise<readonly ServerProcess[]> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-oob-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { host, issuer, leaseMs = 15_000 } = options;
  const program = new URL('oob-process.ts', import.meta.url);
  const args = [directory, host.publicUrl, issuer, String(leaseMs)];
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { ask, kill } = await startPageProcess<Acquisition, readonly Acquired[]>(program, args, host);
      return { acquire: ask, kill };
    }),
  );
}

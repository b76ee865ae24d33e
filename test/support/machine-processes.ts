import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ChildProgram } from './child-program.ts';
import type { FromMachineProcess, ToMachineProcess } from './machine-process.ts';

/** A running process of `machine-process.ts`. */
export interface MachineProcess {
  /** `asks <link>`, `holds <what>`, or the code it fails with. */
  use(service: string, options?: { waitMs?: number }): Promise<string>;
  /** The live link for a service. @throws {Error} when none is asked for. */
  linkFor(service: string): Promise<string>;
  close(): Promise<void>;
  /** As a crash would end it. */
  kill(): Promise<void>;
  /** Stops it in its tracks, and lets it go on. */
  freeze(): void;
  thaw(): void;
}

/** A directory for the store of one machine. */
export function openMachineDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-machine-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export async function startMachineProcess(
  kind: 'agent' | 'server',
  directory: string,
  calendarUrl = '',
): Promise<MachineProcess> {
  const child = new ChildProgram<ToMachineProcess, FromMachineProcess>({
    name: `a ${kind} of this machine`,
    program: new URL('machine-process.ts', import.meta.url),
    args: [kind, directory, calendarUrl],
  });
  const kill = async (): Promise<void> => {
    process.kill(child.pid, 'SIGCONT');
    await child.end();
  };
  onTestFinished(() => child.end());
  let asked = 0;
  const heard = (id: number): Promise<string> =>
    child.heard(`answer ${id}`, (message) => (message.id === id ? message.said : undefined), 60_000);
  const ask = (question: Omit<ToMachineProcess, 'id'>): Promise<string> => {
    const id = ++asked;
    child.send({ id, ...question });
    return heard(id);
  };
  await heard(0);
  const use: MachineProcess['use'] = (service, options) => ask({ use: { service, ...options } });
  return {
    use,
    linkFor: async (service) => {
      const said = await use(service);
      if (!said.startsWith('asks ')) throw new Error(`no link is asked for: ${said}`);
      return said.slice('asks '.length);
    },
    close: async () => void (await ask({ close: true })),
    kill,
    freeze: () => void process.kill(child.pid, 'SIGSTOP'),
    thaw: () => void process.kill(child.pid, 'SIGCONT'),
  };
}

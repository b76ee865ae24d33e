import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contender.ts';
import { memoryMiB } from './process-figures.ts';

/** What programs take above a Node that does nothing, in MiB, all looked at in one moment. */
export async function memoryAboveNode(contenders: readonly Contender[]): Promise<number[]> {
  // What the last calls have left behind has time to go.
  await sleep(1_000);
  const bare = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("ready")'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(bare.stdout, 'data');
  await sleep(200);
  const nothing = memoryMiB([bare.pid ?? 0]);
  const all = contenders.map((contender) => contender.memoryMiB() - nothing);
  const exited = once(bare, 'exit');
  bare.stdin.end();
  await exited;
  return all;
}

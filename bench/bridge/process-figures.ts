import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks in a second, the unit of `/proc/<pid>/stat`. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** A process and all that it has started, without those that run the script `except` alone. */
export function processTree(pid: number, except?: string): number[] {
  const [command, ...args] = read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  if (command === undefined || (args.length === 1 && args[0] === except)) return [];
  const children = tasks(pid).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap((child) => processTree(child, except))];
}

/** What the processes take of the machine's memory, pages that several share counted by parts. In MiB. */
export function memoryMiB(pids: readonly number[]): number {
  return sum(
    pids.map((pid) => Number(/^Pss:\s+(\d+) kB/mu.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024),
  );
}

/** Processor time that the processes have taken so far, in microseconds. */
export function processorUs(pids: readonly number[]): number {
  return sum(
    pids.map((pid) => {
      // The name, in brackets, may have spaces in it.
      const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
      return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond) * 1e6;
    }),
  );
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

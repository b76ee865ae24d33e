import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { firstCall, initialize, type Caller } from './caller.ts';
import { HttpCaller } from './http-caller.ts';
import { LineCaller } from './line-caller.ts';
import { memoryMiB, processorUs, processTree } from './process-figures.ts';
import { end, findFreePort, start, stdioServer, type Subject } from './subjects.ts';

/** How long it took from the start of the process. */
export interface StartUp {
  /** Until `initialize` was answered. */
  readonly answerMs: number;
  /** Until a tool of the server behind it had answered. */
  readonly callMs: number;
}

/** A program that runs and has answered. */
export interface Contender {
  readonly label: string;
  readonly caller: Caller;
  readonly startUp: StartUp;
  memoryMiB(): number;
  processorUs(): number;
  close(): Promise<void>;
}

/** Starts a program, and resolves when a tool has answered through it. @throws {Error} when none does within 60 s. */
export async function startContender(
  subject: Subject,
  url: string,
  home: string,
  servers = 1,
): Promise<Contender> {
  const port = subject.path === undefined ? 0 : await findFreePort();
  const before = performance.now();
  const child = start(subject, { url, port }, home);
  const caller =
    subject.path === undefined
      ? new LineCaller(child.stdin!, child.stdout!)
      : new HttpCaller(`http://127.0.0.1:${port}${subject.path}`);
  // What a gateway prints is read, so that it never waits for a reader.
  if (subject.path !== undefined) child.stdout?.resume();
  try {
    return await Promise.race([
      open(subject, child, caller, before, servers),
      once(child, 'exit').then(([code]) => {
        throw new Error(`${subject.label} ended by itself, with ${String(code)}`);
      }),
      sleep(60_000, undefined, { ref: false }).then(() => {
        throw new Error(`${subject.label} did not answer within 60 s`);
      }),
    ]);
  } catch (error) {
    await end(child);
    throw error;
  }
}

async function open(
  subject: Subject,
  child: ChildProcess,
  caller: LineCaller | HttpCaller,
  before: number,
  servers: number,
): Promise<Contender> {
  if (caller instanceof HttpCaller) await answersHttp(caller);
  else await initialize(caller);
  const answerMs = performance.now() - before;
  await firstCall(caller, servers);
  const callMs = performance.now() - before;
  const processes = (): number[] => processTree(child.pid ?? 0, stdioServer);
  return {
    label: subject.label,
    caller,
    startUp: { answerMs, callMs },
    memoryMiB: () => memoryMiB(processes()),
    processorUs: () => processorUs(processes()),
    async close() {
      if (caller instanceof HttpCaller) caller.close();
      await end(child);
    },
  };
}

/** Asks again until somebody listens. */
async function answersHttp(caller: HttpCaller): Promise<void> {
  for (;;) {
    try {
      return await initialize(caller);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')) throw error;
      await sleep(2);
    }
  }
}

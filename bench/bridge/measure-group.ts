import { join } from 'node:path';
import { echo, type Caller } from './caller.ts';
import { startContender, type Contender, type StartUp } from './contender.ts';
import { memoryAboveNode } from './memory-above-node.ts';
import type { Subject } from './subjects.ts';

const inFlight = 32;
const kibibyte = 'x'.repeat(1024);

/** Programs that do the same, and the server behind them reached without any. */
export interface Group {
  readonly subjects: readonly Subject[];
  readonly direct: Caller;
  readonly url: string;
  readonly directory: string;
  /** Whether the server behind can be made to say much at once. */
  readonly floods: boolean;
}

/** How much of everything there is to be. */
export interface Amounts {
  readonly startUps: number;
  readonly rounds: number;
  readonly callsInTurn: number;
  readonly callsAtOnce: number;
  readonly notes: number;
}

/** What was seen of one program; one value for each round, unless it says otherwise. */
export interface Series {
  readonly label: string;
  /** The first start in an empty home. */
  readonly firstStartUp: StartUp;
  readonly startUps: readonly StartUp[];
  /** The median of a call, one at a time, and the same without the program in between. */
  readonly callUs: readonly number[];
  readonly directUs: readonly number[];
  /** Likewise what the quickest tenth of the calls do not exceed: what others do on the machine shows least there. */
  readonly quickCallUs: readonly number[];
  readonly quickDirectUs: readonly number[];
  readonly callsPerSecond: readonly number[];
  readonly processorUsPerCall: readonly number[];
  readonly kibibyteMessagesPerSecond: readonly number[];
  readonly notificationsPerSecond: readonly number[];
  /** Above that of a Node that does nothing, one value: after one call, and after all of them. */
  readonly restMiB: number;
  readonly usedMiB: number;
}

/** Measures the programs of a group, one after the other within each round. */
export async function measureGroup(
  group: Group,
  amounts: Amounts,
  progress: (line: string) => void,
): Promise<Series[]> {
  const starts = await measureStartUps(group, amounts.startUps, progress);
  const contenders: Contender[] = [];
  try {
    for (const subject of group.subjects) {
      contenders.push(await startContender(subject, group.url, homeOf(group, subject)));
    }
    const rest = await memoryAboveNode(contenders);
    const calls = await measureCalls(contenders, group, amounts, progress);
    const used = await memoryAboveNode(contenders);
    return contenders.map(({ label }, index) => {
      const [first, ...startUps] = starts[index] ?? [];
      if (first === undefined) throw new Error(`${label} was not started`);
      return {
        label,
        firstStartUp: first,
        startUps,
        ...(calls[index] ?? emptyCalls()),
        restMiB: rest[index] ?? Number.NaN,
        usedMiB: used[index] ?? Number.NaN,
      };
    });
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
}

function homeOf({ directory }: Group, { label }: Subject): string {
  return join(directory, label.replaceAll(/\W+/gu, '-'));
}

async function measureStartUps(
  group: Group,
  rounds: number,
  progress: (line: string) => void,
): Promise<StartUp[][]> {
  const startUps = group.subjects.map((): StartUp[] => []);
  // The first finds an empty home, and is told apart from the others.
  for (let round = 0; round <= rounds; round++) {
    if (round % 5 === 0) progress(`bridge: start ${round} of ${rounds}`);
    const turns = [...group.subjects.entries()];
    for (const [index, subject] of round % 2 === 0 ? turns : turns.toReversed()) {
      const contender = await startContender(subject, group.url, homeOf(group, subject));
      await contender.close();
      startUps[index]?.push(contender.startUp);
    }
  }
  return startUps;
}

type Calls = { -readonly [K in keyof ReturnType<typeof emptyCalls>]: number[] };

function emptyCalls() {
  return {
    callUs: [] as number[],
    directUs: [] as number[],
    quickCallUs: [] as number[],
    quickDirectUs: [] as number[],
    callsPerSecond: [] as number[],
    processorUsPerCall: [] as number[],
    kibibyteMessagesPerSecond: [] as number[],
    notificationsPerSecond: [] as number[],
  };
}

async function measureCalls(
  contenders: readonly Contender[],
  { direct, floods }: Group,
  amounts: Amounts,
  progress: (line: string) => void,
): Promise<Calls[]> {
  for (const { caller } of [{ caller: direct }, ...contenders]) {
    await callInTurn(caller, amounts.callsInTurn);
    await callAtOnce(caller, amounts.callsAtOnce, 'ahoy');
  }
  const all = contenders.map(emptyCalls);
  for (let round = 0; round < amounts.rounds; round++) {
    if (round % 5 === 0) progress(`bridge: round ${round + 1} of ${amounts.rounds}`);
    for (let place = 0; place < contenders.length; place++) {
      // Another one begins each round, so that none always follows the same neighbour.
      const index = (round + place) % contenders.length;
      const contender = contenders[index];
      const calls = all[index];
      if (contender === undefined || calls === undefined) continue;
      const { caller } = contender;
      const without = await callInTurn(direct, amounts.callsInTurn);
      calls.directUs.push(without.medianUs);
      calls.quickDirectUs.push(without.quickUs);
      const through = await callInTurn(caller, amounts.callsInTurn);
      calls.callUs.push(through.medianUs);
      calls.quickCallUs.push(through.quickUs);
      const before = contender.processorUs();
      calls.callsPerSecond.push(await callAtOnce(caller, amounts.callsAtOnce, 'ahoy'));
      calls.processorUsPerCall.push((contender.processorUs() - before) / amounts.callsAtOnce);
      calls.kibibyteMessagesPerSecond.push(await callAtOnce(caller, amounts.callsAtOnce, kibibyte));
      if (floods) calls.notificationsPerSecond.push(await flood(caller, amounts.notes));
    }
  }
  return all;
}

/** How long a call takes, in microseconds: the median, and what the quickest tenth does not exceed. */
async function callInTurn(
  caller: Caller,
  calls: number,
): Promise<{ readonly medianUs: number; readonly quickUs: number }> {
  const latencies: number[] = [];
  for (let call = 0; call < calls; call++) {
    const before = performance.now();
    await echo(caller, 'ahoy');
    latencies.push((performance.now() - before) * 1000);
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(calls * share)] ?? Number.NaN;
  return { medianUs: at(0.5), quickUs: at(0.1) };
}

/** Calls in a second, a fixed number of them in flight. */
async function callAtOnce(caller: Caller, calls: number, text: string): Promise<number> {
  let left = calls;
  const before = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await echo(caller, text);
    }),
  );
  return (calls * 1000) / (performance.now() - before);
}

/** Notifications in a second, of a kibibyte each, on the stream of one call. @throws {Error} when one is missing. */
async function flood(caller: Caller, count: number): Promise<number> {
  const heardBefore = caller.heard();
  const before = performance.now();
  await caller.request('tools/call', { name: 'flood', arguments: { text: kibibyte, count } });
  const seconds = (performance.now() - before) / 1000;
  // The answer may not overtake what was said before it.
  const heard = caller.heard() - heardBefore;
  if (heard < count) throw new Error(`${heard} of ${count} notifications arrived before the answer`);
  return count / seconds;
}

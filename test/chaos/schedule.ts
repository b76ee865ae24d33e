/** The stores the harness can break. */
export const backends = ['sqlite', 'redis', 'postgres', 'dynamodb'] as const;
export type BackendName = (typeof backends)[number];

/** One thing that is asked of a host. */
export interface PlannedOperation {
  readonly atMs: number;
  readonly kind: 'ask' | 'wait' | 'storm' | 'logout';
  readonly ns: string;
  /** Which host is asked, counted from 0; the next one if it is down. */
  readonly host: number;
}

/** One thing that goes wrong. */
export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly host: number;
  readonly lengthMs: number;
  /** For a clock: how far it jumps. For a delay: by how much. */
  readonly byMs: number;
}

export type FaultKind =
  | 'kill'
  | 'freeze'
  | 'clock'
  | 'corrupt-record'
  | 'store-restart'
  | 'store-cut'
  | 'store-cut-reply'
  | 'store-delay'
  | 'store-black-hole'
  | 'store-refuse'
  | 'web-cut-reply'
  | 'web-black-hole';

/** What a person does with a link. */
export interface PersonPlan {
  readonly decision: 'allow' | 'deny' | 'ignore';
  readonly afterMs: number;
  /** Reloads the callback, in two processes at once. */
  readonly isDoubled: boolean;
  readonly host: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly backend: BackendName;
  readonly hosts: number;
  readonly namespaces: number;
  readonly leaseMs: number;
  readonly operationsPerSecond: number;
}

export interface Schedule {
  readonly operations: readonly PlannedOperation[];
  readonly faults: readonly PlannedFault[];
  /** What the person of a namespace does with the n-th link they get, counted from 0. */
  personOf(ns: string, n: number): PersonPlan;
}

/** Numbers in [0, 1), the same ones for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Everything that will be tried and broken. It depends on nothing but its options. */
export function planSchedule(options: ScheduleOptions): Schedule {
  return {
    operations: planOperations(options),
    faults: planFaults(options),
    personOf: (ns, n) => planPerson(options, ns, n),
  };
}

/** The namespaces. The hostile spellings of one name among them must not meet. */
export function namespaceNames(count: number): string[] {
  const hostile = ['user:a', 'user:a:b', 'al', 'alice', '*', '%', '_', 'user%3Aa', '{tag}', 'a/b', 'a?x'];
  return Array.from({ length: count }, (_, index) => hostile[index] ?? `tenant-${index}`);
}

function planOperations({
  seed,
  seconds,
  hosts,
  namespaces,
  operationsPerSecond,
}: ScheduleOptions): PlannedOperation[] {
  const random = randomNumbers(seed);
  const names = namespaceNames(namespaces);
  const pick = weighted<PlannedOperation['kind']>([
    ['ask', 60],
    ['wait', 20],
    ['storm', 13],
    ['logout', 7],
  ]);
  const count = Math.round(seconds * operationsPerSecond);
  return Array.from({ length: count }, (_, index) => ({
    atMs: Math.round(((index + random()) / operationsPerSecond) * 1_000),
    kind: pick(random()),
    ns: names[Math.floor(random() * names.length)] ?? 'alice',
    host: Math.floor(random() * hosts),
  }));
}

function planFaults({ seed, seconds, backend, hosts, leaseMs }: ScheduleOptions): PlannedFault[] {
  const random = randomNumbers(seed ^ 0x5bd1_e995);
  const ofNetwork: [FaultKind, number][] = [
    ['store-restart', 8],
    ['store-cut', 10],
    ['store-cut-reply', 10],
    ['store-delay', 6],
    ['store-black-hole', 8],
    ['store-refuse', 6],
  ];
  const pick = weighted<FaultKind>([
    ['kill', 20],
    ['freeze', 16],
    ['clock', 10],
    ['corrupt-record', 6],
    ['web-cut-reply', 12],
    ['web-black-hole', 4],
    ...(backend === 'sqlite' ? [['store-restart', 6] as [FaultKind, number]] : ofNetwork),
  ]);
  const faults: PlannedFault[] = [];
  for (let atMs = 800; atMs < seconds * 1_000 - 500; atMs += 300 + random() * 1_200) {
    const kind = pick(random());
    faults.push({
      atMs: Math.round(atMs),
      kind,
      host: Math.floor(random() * hosts),
      lengthMs: Math.round(lengthOf(kind, random(), leaseMs)),
      byMs: byOf(kind, random()),
    });
  }
  return faults;
}

function planPerson({ seed, hosts }: ScheduleOptions, ns: string, n: number): PersonPlan {
  let mixed = seed ^ Math.imul(n + 1, 0x85eb_ca6b);
  for (const character of ns) mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
  const random = randomNumbers(mixed);
  const choice = random();
  return {
    decision: choice < 0.86 ? 'allow' : choice < 0.94 ? 'deny' : 'ignore',
    afterMs: Math.round(20 + random() ** 2 * 1_500),
    isDoubled: random() < 0.15,
    host: Math.floor(random() * hosts),
  };
}

function lengthOf(kind: FaultKind, random: number, leaseMs: number): number {
  switch (kind) {
    case 'kill':
      return 100 + random * 700;
    case 'freeze':
      return leaseMs * (1.1 + random * 1.2);
    case 'clock':
      return 500 + random * 2_500;
    case 'store-restart':
      return random * 600;
    case 'store-delay':
      return 500 + random * 1_500;
    case 'store-black-hole':
    case 'store-refuse':
      return leaseMs * (0.2 + random * 1.4);
    case 'web-black-hole':
      return 200 + random * 800;
    case 'corrupt-record':
    case 'store-cut':
    case 'store-cut-reply':
    case 'web-cut-reply':
      return 0;
  }
}

const hourMs = 3_600_000;
const jumpsMs = [hourMs, -hourMs, 24 * hourMs, -24 * hourMs, 5_000, -5_000] as const;

function byOf(kind: FaultKind, random: number): number {
  if (kind === 'clock') return jumpsMs[Math.floor(random * jumpsMs.length)] ?? hourMs;
  return kind === 'store-delay' ? Math.round(5 + random * 95) : 0;
}

function weighted<T>(choices: readonly (readonly [T, number])[]): (random: number) => T {
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
  return (random) => {
    let left = random * total;
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    throw new RangeError('a random number must be less than 1');
  };
}

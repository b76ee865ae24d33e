import { runSuite } from './suite.ts';

/**
 * What a run of the suite tests: a client or a server of ours, or what of the server's is carried through a bridge that
 * is exposed again, or by exposing it.
 */
export type Side = keyof typeof legs;

/** Whose scenarios each of them is tried with. */
const legs = { client: 'client', server: 'server', bridge: 'server', expose: 'server' } as const;

/** Whether there is something between the suite and the server. */
export type HopSide = 'bridge' | 'expose';

export function isHop(side: Side): side is HopSide {
  return side === 'bridge' || side === 'expose';
}

/** Which scenarios a revision of the protocol requires of one side, and which the suite runs beside them. */
export interface RequirementSet {
  readonly side: Side;
  readonly revision: Revision;
  readonly required: readonly string[];
  /** The others, with the suite's reason for not scoring them. */
  readonly unscored: ReadonlyMap<string, string>;
  /** Which of the others may fail. Every one that is not named here must pass all the same. */
  readonly optional: ReadonlySet<string>;
}

export type Revision = keyof typeof knownCounts;

/**
 * The sets are frozen. Another count means that the suite has changed, or its list is read wrongly.
 *
 * Unscored are scenarios of extensions, those added after a revision's release, and those still pending.
 */
const knownCounts = {
  '2025-11-25': { client: { required: 18, unscored: 7 }, server: { required: 30, unscored: 3 } },
  '2026-07-28': { client: { required: 32, unscored: 7 }, server: { required: 37, unscored: 13 } },
} as const;

export function isRevision(text: string | undefined): text is Revision {
  return text !== undefined && Object.hasOwn(knownCounts, text);
}

export function isSide(text: string | undefined): text is Side {
  return text !== undefined && Object.hasOwn(legs, text);
}

/** Takes a revision's scenarios from the suite's own list. @throws {Error} when that is not the list we know. */
export async function readRequirementSet(side: Side, revision: Revision): Promise<RequirementSet> {
  const { output } = await runSuite(['list', '--requirements', revision], { limitMs: 30_000 });
  const part = legs[side];
  const title = { client: 'Client scenarios', server: 'Server scenarios' }[part];
  const required: string[] = [];
  const unscored = new Map<string, string>();
  let section = '';
  for (const line of output.split('\n')) {
    const item = /^ +- (?<scenario>\S+)(?: \[(?<leg>\w+)\])?$/u.exec(line)?.groups;
    if (item === undefined) {
      section = /^ *(?<title>[\w-]+(?: scenarios)?) \(/u.exec(line)?.groups?.['title'] ?? section;
      continue;
    }
    const { scenario = '', leg } = item;
    if (leg === undefined && section === title) required.push(scenario);
    if (leg === part) unscored.set(scenario, section);
  }
  const known = knownCounts[revision][part];
  for (const [kind, listed] of [
    ['required', required.length],
    ['unscored', unscored.size],
  ] as const) {
    if (listed !== known[kind]) {
      throw new Error(
        `the suite lists ${listed} ${kind} ${side} scenarios for ${revision}, not ${known[kind]}`,
      );
    }
  }
  return { side, revision, required, unscored, optional: new Set(optionalOf(side, unscored)) };
}

/** Our client has every extension. Our server has none: there is no runtime for tasks in the SDK. */
function optionalOf(side: Side, unscored: ReadonlyMap<string, string>): string[] {
  if (side === 'client') return [];
  return [...unscored].filter(([, reason]) => reason === 'extension').map(([scenario]) => scenario);
}

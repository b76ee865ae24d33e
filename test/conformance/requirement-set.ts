import { runSuite } from './suite.ts';

/** Which client scenarios a revision of the protocol requires, and which the suite runs beside them. */
export interface RequirementSet {
  readonly revision: Revision;
  readonly required: readonly string[];
  /** The others, with the suite's reason for not scoring them. */
  readonly unscored: ReadonlyMap<string, string>;
}

export type Revision = keyof typeof requiredCounts;

/** The sets are frozen. Another count means that the suite has changed, or its list is read wrongly. */
const requiredCounts = { '2025-11-25': 18, '2026-07-28': 32 } as const;

/** Client scenarios the suite runs beside either set: six of extensions, and one added later. */
const unscoredCount = 7;

export function isRevision(text: string | undefined): text is Revision {
  return text !== undefined && Object.hasOwn(requiredCounts, text);
}

/** Takes a revision's scenarios from the suite's own list. @throws {Error} when that is not the list we know. */
export async function readRequirementSet(revision: Revision): Promise<RequirementSet> {
  const { output } = await runSuite(['list', '--requirements', revision], { limitMs: 30_000 });
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
    if (leg === undefined && section === 'Client scenarios') required.push(scenario);
    if (leg === 'client') unscored.set(scenario, section);
  }
  if (required.length !== requiredCounts[revision]) {
    throw new Error(
      `the suite lists ${required.length} client scenarios for ${revision}, not ${requiredCounts[revision]}`,
    );
  }
  if (unscored.size !== unscoredCount) {
    throw new Error(`the suite lists ${unscored.size} unscored client scenarios, not ${unscoredCount}`);
  }
  return { revision, required, unscored };
}

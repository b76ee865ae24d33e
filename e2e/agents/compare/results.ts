/** What was counted in one story of one contender, and whether it is what a user would want. */
export interface Cell {
  readonly holds: boolean;
  /** A few words for a narrow table. */
  readonly short: string;
  /** All that was counted. */
  readonly seen: string;
}

/** One contender, as it was played. */
export interface Line {
  readonly id: string;
  readonly name: string;
  readonly practice: string;
  /** What it is made of, `name version`. */
  readonly packages: readonly string[];
  /** By the id of the story. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** A whole run, as `results.json` keeps it: `scripts/agents-tables.ts` renders it, and the next one is compared with it. */
export interface Report {
  /** The day, `YYYY-MM-DD`. */
  readonly on: string;
  /** The version of Node. */
  readonly node: string;
  readonly stories: readonly { readonly id: string; readonly title: string; readonly about: string }[];
  readonly lines: readonly Line[];
}

/** What every peer is asked, in the order of the table. */
export const columns = [
  'login',
  'call',
  'expiry',
  'twenty calls',
  'revocation',
  'our restart',
  'their restart',
  'registrations lost',
  'pages',
] as const;

export type Column = (typeof columns)[number];

/** What was seen of one column: it holds or it does not, and what shows that. */
export interface Finding {
  readonly holds: boolean;
  readonly detail: string;
  /** The column that has to hold before this one can be tried. */
  readonly blockedBy?: Column;
}

export type Findings = Partial<Record<Column, Finding>>;

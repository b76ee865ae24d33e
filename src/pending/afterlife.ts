/**
 * How long what belongs to a pending is kept after the pending's time.
 *
 * An end stays readable for pages opened twice and for processes that were down. And a record must outlive its own time:
 * that a pending has expired is written like any other end, so no store has to judge time while it commits.
 */
export const afterlifeMs: number = 24 * 60 * 60_000;

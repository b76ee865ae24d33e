/** What a person decides, or leaves undone: nobody's fault, and nothing that an operator could act on. */
const everydayEnds: ReadonlySet<string | undefined> = new Set([
  'ERR_POSTERN_AUTH_DENIED',
  'ERR_POSTERN_PENDING_CANCELLED',
  'ERR_POSTERN_PENDING_EXPIRED',
]);

/** How loudly a log tells that something has ended with a code: `info` for what happens every day. */
export function levelOfEnd<L extends 'warn' | 'error'>(code: string | undefined, otherwise: L): L | 'info' {
  return everydayEnds.has(code) ? 'info' : otherwise;
}

import type { Revision, Side } from './requirement-set.ts';

/** What a scenario loses on the way, and why that cannot be otherwise. */
export interface Loss {
  readonly reason: string;
  /** How many of the checks that the server passes directly do not pass. */
  readonly checks: number;
}

type Losses = Readonly<Record<string, Loss>>;

/** Streams are optional; these scenarios look at a server that opens one for each call, or that closes one itself. */
const legacyStreams: Losses = {
  'server-sse-multiple-streams': {
    reason: 'a call whose server says nothing before its answer is answered in plain JSON, without a stream',
    checks: 1,
  },
  'server-sse-polling': {
    reason: 'on stdio there is no stream of one call that a server could close, to be taken up again later',
    checks: 3,
  },
};
const throughBridge: Readonly<Record<Revision, Losses>> = { '2025-11-25': legacyStreams, '2026-07-28': {} };
const throughExpose: Readonly<Record<Revision, Losses>> = { '2025-11-25': legacyStreams, '2026-07-28': {} };

/** What a hop over stdio cannot carry, by scenario. docs/conformance.md tells the same. */
export function notCarried(side: Side, revision: Revision): ReadonlyMap<string, Loss> {
  const losses = { bridge: throughBridge, expose: throughExpose, client: undefined, server: undefined }[side];
  return new Map(Object.entries(losses?.[revision] ?? {}));
}

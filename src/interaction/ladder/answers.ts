import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { Pending } from '../../pending/pending.ts';
import type { PendingStore } from '../../pending/pending-store.ts';
import type { Stored } from '../../storage/collection.ts';
import type { InteractionData } from '../flow.ts';
import { Attempts, type Attempt } from './attempts.ts';
import type { LadderHost } from './ladder-host.ts';

/** An answer whose state somebody waits for. Nothing was taken for finding it. */
export interface FoundAnswer {
  readonly store: PendingStore<InteractionData>;
  readonly attempts: Attempts;
  readonly attempt: Stored<Attempt>;
  readonly pending: Pending<InteractionData>;
}

/** Where an answer stands that a person has brought back, whichever way they brought it. */
export type Standing =
  | { readonly is: 'open' }
  /** It was used, or its interaction has ended. */
  | { readonly is: 'over' }
  | { readonly is: 'of another browser' }
  /** Somebody is using it just now, or died while doing so. */
  | { readonly is: 'taken' }
  | { readonly is: 'failed'; readonly failure: PosternErrorCode }
  /** It repeats a parameter. */
  | { readonly is: 'ambiguous' };

const maxStateLength = 512;

/** The one state of an answer; `undefined` when there is none, or there are several. */
export function stateOf(params: URLSearchParams): string | undefined {
  const [state, ...more] = params.getAll('state');
  return state === undefined || state === '' || state.length > maxStateLength || more.length > 0
    ? undefined
    : state;
}

/** The attempt that a state belongs to, by reads alone. */
export async function findAnswer(host: LadderHost, state: string): Promise<FoundAnswer | undefined> {
  const store = await host.pendings.locate(state);
  if (store === undefined) return undefined;
  const attempts = new Attempts(host.surroundings, store.storage);
  const attempt = await host.pendings.orUnknown(() => attempts.find(state));
  const pending = attempt && (await host.pendings.orUnknown(() => store.get(attempt.value.pendingId)));
  return pending && { store, attempts, attempt, pending };
}

/** The rungs between a found answer and its flow: the same for what a browser brings back and for what a person pastes. */
export async function standingOf(
  { attempt, pending }: FoundAnswer,
  params: URLSearchParams,
  isOfItsBrowser: (browser: string) => Promise<boolean>,
): Promise<Standing> {
  const { status, browser, failure = 'ERR_POSTERN_AUTH_STATE_USED' } = attempt.value;
  if (status === 'done' || pending.status !== 'pending') return { is: 'over' };
  if (!(await isOfItsBrowser(browser))) return { is: 'of another browser' };
  if (status === 'taken') return { is: 'taken' };
  if (status === 'failed') return { is: 'failed', failure };
  const names = [...params.keys()];
  // RFC 6749 §3.1: request and response parameters must not be included more than once.
  return { is: new Set(names).size === names.length ? 'open' : 'ambiguous' };
}

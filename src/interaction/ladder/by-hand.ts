import { PosternError } from '../../core/postern-error.ts';
import { hashId, randomId } from '../../core/random.ts';
import { errorOfEnd, type Pending } from '../../pending/pending.ts';
import type { PendingStore } from '../../pending/pending-store.ts';
import { enterPending } from '../enter-pending.ts';
import type { InteractionData } from '../flow.ts';
import { unknownFlow } from '../flows.ts';
import { isEnded } from '../is-ended.ts';
import { Pages } from '../pages/pages.ts';
import { findAnswer, standingOf, stateOf } from './answers.ts';
import { Attempts } from './attempts.ts';
import type { LadderHost } from './ladder-host.ts';
import { readPastedAddress } from './pasted-address.ts';
import { createVisit, type Arrival } from './visit.ts';

/** How long a second request for an answer that is being carried on waits for it. */
const joinMs = 10_000;

/** What differs between the ways out and back. */
type Trip = Pick<Arrival, 'attempt' | 'params' | 'browser'>;

/**
 * The way of a person who carries the addresses themselves, between a terminal or a chat and a browser that none of our
 * pages can be reached from.
 *
 * It climbs the ladder's rungs: state, person, attempt, once. In the place of the browser's cookie stands the word of the
 * host, which knows whom it talks with; on this machine that is whoever is at it.
 */
export class ByHand {
  readonly #host: LadderHost;

  constructor(host: LadderHost) {
    this.#host = host;
  }

  /**
   * Goes out for a live interaction. Resolves to the address that its person opens, in whichever browser.
   *
   * @param person whom the host has verified.
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND when it is not this person's, or there is none.
   * @throws {PosternError} the code of its end, when it has ended.
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when it was gone out for too often.
   */
  async leave(pendingId: string, person: string | undefined): Promise<string> {
    const store = await this.#host.pendings.locate(pendingId);
    const pending = await store?.get(pendingId);
    if (!this.#host.gate.isInitiator(person, pending) || store === undefined || pending === undefined) {
      throw new PosternError('ERR_POSTERN_PENDING_NOT_FOUND', 'there is no such sign-in of this person', {
        hint: 'Ask for a new link.',
      });
    }
    assertLive(pending);
    if (this.#host.flowNamed(pending.data?.flow ?? '')?.goesOut !== true) throw nowhereToGo();
    const browser = await hashId(randomId(this.#host.surroundings.random));
    const { departure, failure } = await this.#visit(store, pending, { browser });
    if (departure === undefined) throw failure ?? nowhereToGo();
    return departure;
  }

  /**
   * Takes the address that the person's browser was sent to at last, and carries the interaction on with it.
   *
   * @param person whom the host has verified.
   * @throws {PosternError} ERR_POSTERN_AUTH_CALLBACK_INVALID when it is no such address, or not the whole of it.
   * @throws {PosternError} ERR_POSTERN_AUTH_STATE_UNKNOWN when it is of no sign-in of this person.
   * @throws {PosternError} ERR_POSTERN_AUTH_STATE_USED when it was used before.
   * @throws {PosternError} what the callback would have ended with.
   */
  async bring(address: string, person: string | undefined): Promise<void> {
    const params = readPastedAddress(address);
    if (typeof params === 'string') throw unreadable(params === 'too early');
    const state = stateOf(params);
    if (state === undefined) throw unreadable(false);
    const found = await findAnswer(this.#host, state);
    if (!this.#host.gate.isInitiator(person, found?.pending) || found === undefined) {
      throw new PosternError(
        'ERR_POSTERN_AUTH_STATE_UNKNOWN',
        'the address is of no sign-in of this person',
        {
          hint: 'It may be of an older one. Open the address of the newest, and bring what comes of that.',
        },
      );
    }
    const { store, pending, attempt } = found;
    const standing = await standingOf(found, params, async () => true);
    switch (standing.is) {
      case 'open': {
        const { failure } = await this.#visit(store, pending, {
          attempt,
          params,
          browser: attempt.value.browser,
        });
        if (failure === undefined) return;
        // Another request was faster with the same answer, or another way with the whole sign-in.
        if (failure.code === 'ERR_POSTERN_AUTH_STATE_USED' || isEnded(failure)) return this.#join(pending);
        throw failure;
      }
      case 'over':
        if (pending.status === 'completed') return;
        assertLive(pending);
        throw used();
      case 'taken':
        return this.#join(pending);
      case 'failed':
        throw used();
      case 'ambiguous':
      case 'of another browser':
        throw unreadable(false);
    }
  }

  /** A flow's own visit, of which nobody sees the pages. */
  async #visit(
    store: PendingStore<InteractionData>,
    pending: Pending<InteractionData>,
    trip: Trip,
  ): Promise<{ departure: string | undefined; failure: PosternError | undefined }> {
    const name = pending.data?.flow ?? '';
    const flow = this.#host.flowNamed(name);
    if (flow === undefined) throw unknownFlow(name);
    this.#host.attend(pending);
    let departure: string | undefined;
    let failure: PosternError | undefined;
    const visit = createVisit(this.#host, {
      ...trip,
      isByHand: true,
      pending,
      request: new Request(pending.url, { method: 'POST' }),
      rest: '',
      pages: new Pages(this.#host.gate.look),
      attempts: new Attempts(this.#host.surroundings, store.storage),
      formToken: '',
      readForm: async () => new URLSearchParams({ 'form-action': 'continue' }),
      endingForm: async () => [],
      join: async () => new Response(null, { status: 409 }),
      paste: async () => ({ problem: 'unreadable' }),
      onEnd: () => {},
      onDeparture: (url) => void (departure = url),
      onFailure: (error) => void (failure = error),
    });
    await enterPending(pending, () => flow.visit(visit));
    return { departure, failure };
  }

  /** Another request carries the same answer on. */
  async #join(pending: Pending<InteractionData>): Promise<void> {
    const ended = await this.#host.wait(pending, { timeoutMs: joinMs });
    if (ended === undefined) throw used();
    assertLive(ended);
  }
}

function assertLive(pending: Pending): void {
  const error = errorOfEnd(pending);
  if (error !== undefined) throw error;
}

function unreadable(isEarly: boolean): PosternError {
  return new PosternError('ERR_POSTERN_AUTH_CALLBACK_INVALID', 'what was pasted is no answer to a sign-in', {
    hint: isEarly
      ? 'That is the address of the page where you sign in. Consent there first, then copy the address that follows.'
      : 'Copy the whole address that your browser was sent to at last; it has "state=" in it, and "code=".',
  });
}

function nowhereToGo(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'this interaction sends nobody to another site',
    {
      hint: 'Give its person the link.',
    },
  );
}

function used(): PosternError {
  return new PosternError('ERR_POSTERN_AUTH_STATE_USED', 'the address was used before', {
    hint: 'Start the sign-in again.',
  });
}

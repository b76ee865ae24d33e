import { PosternError } from '../core/postern-error.ts';
import { findInteractionRequired } from '../interaction/interaction-required-error.ts';
import type { InteractionData } from '../interaction/flow.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { Continuation, ContinuationHandler } from '../resume/continuation.ts';
import type { Continuations, ResumePolicy } from '../resume/continuations.ts';
import type { Surroundings } from '../sync/surroundings.ts';
import type { Principal } from './principal.ts';

/** A parked request, as the handler of `Oob.continuation` sees it. */
export interface ResumedRequest<P> {
  /** For whom it goes on: what `credentials.acquire` takes. */
  readonly principal: Principal;
  readonly payload: P;
  /** The same at every attempt: what the handler makes idempotent by. */
  readonly idempotencyKey: string;
  /** 1 at the first run. */
  readonly attempt: number;
  /** Aborts when this process has lost the right to run it. */
  readonly signal: AbortSignal;
}

/** Parks requests of one kind on a server. */
export interface RequestParking<P> {
  /**
   * Parks a request on what its person has to do. Durable when it returns; resumed by itself, once, in any process.
   *
   * @param waitsFor the error that asks for a person, or a pending of one's own.
   * @param payload JSON, of at most 256 KiB.
   * @throws the error itself, when it asks for nobody.
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND when there is no such pending any more.
   * @throws {PosternError} ERR_POSTERN_RESUME_PAYLOAD_INVALID
   */
  park(waitsFor: unknown, payload: P): Promise<{ id: string }>;
}

interface Envelope<P> {
  readonly initiator: string;
  readonly payload: P;
}

/** The requests of a server that wait for people, and their resumption. Loaded when the first is parked or looked for. */
export class ParkedRequests {
  readonly #surroundings: Surroundings;
  readonly #pendings: Pendings<InteractionData>;
  readonly #policy: ResumePolicy;
  readonly #handlers = new Map<string, ContinuationHandler>();
  #loading: Promise<Continuations> | undefined;

  constructor(surroundings: Surroundings, pendings: Pendings<InteractionData>, policy: ResumePolicy = {}) {
    this.#surroundings = surroundings;
    this.#pendings = pendings;
    this.#policy = policy;
  }

  register<P>(
    name: string,
    resume: (request: ResumedRequest<P>) => Promise<void>,
    abandon?: (request: ResumedRequest<P>, code: string) => Promise<void>,
  ): RequestParking<P> {
    const handler: ContinuationHandler<Envelope<P>> = {
      resume: (continuation) => resume(presented(continuation)),
      ...(abandon && {
        abandon: (continuation: Continuation<Envelope<P>>, code: string) =>
          abandon(presented(continuation), code),
      }),
    };
    this.#handlers.set(name, handler);
    void this.#loading?.then((continuations) => continuations.register(name, handler));
    return {
      park: async (waitsFor, payload) => {
        const { namespace, initiator, id } = await this.#pendingIn(waitsFor);
        const envelope: Envelope<P> = { initiator, payload };
        const continuations = await this.#load();
        return continuations.park(namespace, { handler: name, payload: envelope, waitingFor: id });
      },
    };
  }

  async start(): Promise<void> {
    await (await this.#load()).start();
  }

  async stop(): Promise<void> {
    await (await this.#loading)?.stop();
  }

  async runDue(): Promise<number> {
    return (await this.#load()).runDue({ sweep: true });
  }

  async #pendingIn(waitsFor: unknown): Promise<Pending> {
    const required = findInteractionRequired(waitsFor);
    const id = required?.interaction.pendingId ?? idOf(waitsFor);
    if (id === undefined) throw waitsFor;
    const pending = await (await this.#pendings.locate(id))?.get(id);
    if (pending !== undefined) return pending;
    throw new PosternError(
      'ERR_POSTERN_PENDING_NOT_FOUND',
      'what a request was to be parked on is not there any more',
      { hint: 'Ask for it again.' },
    );
  }

  #load(): Promise<Continuations> {
    this.#loading ??= import('../resume/continuations.ts').then(({ Continuations: Loaded }) => {
      const continuations = new Loaded({
        ...this.#policy,
        ...this.#surroundings,
        waitsFor: (error) => findInteractionRequired(error)?.interaction.pendingId,
      });
      for (const [name, handler] of this.#handlers) continuations.register(name, handler);
      return continuations;
    });
    return this.#loading;
  }
}

function presented<P>(continuation: Continuation<Envelope<P>>): ResumedRequest<P> {
  const { namespace, payload: envelope, idempotencyKey, attempt, signal } = continuation;
  const { initiator, payload } = envelope;
  return { principal: { namespace, initiator }, payload, idempotencyKey, attempt, signal };
}

/** Of a pending. An error of somebody else’s may have an id, too. */
function idOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Error) return undefined;
  return 'id' in value && typeof value.id === 'string' ? value.id : undefined;
}

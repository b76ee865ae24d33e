import { PosternError } from '../core/postern-error.ts';
import { within } from '../sync/within.ts';
import type { SignInRequest, TellPerson } from './tell-person.ts';

/** How long a host has to tell a person of their link. */
const tellMs = 30_000;

/** Tells a person once of each thing that a run asks them for. */
export class Telling {
  readonly #tell: TellPerson;
  readonly #run: Pick<SignInRequest, 'contextId' | 'metadata' | 'runId'>;
  /** By pending: calls that are asked about at once share one. */
  readonly #told: Map<string, Promise<string | undefined>>;
  /** Why they were not told, by pending. */
  readonly #failures = new Map<string, unknown>();

  /** @param told the pendings that they were told of before, in whichever process. */
  constructor(
    tell: TellPerson,
    run: Pick<SignInRequest, 'contextId' | 'metadata' | 'runId'>,
    told: readonly string[],
  ) {
    this.#tell = tell;
    this.#run = run;
    this.#told = new Map(told.map((pendingId) => [pendingId, Promise.resolve(undefined)]));
  }

  /**
   * What the model is told instead of waiting, each time anew; `undefined` when the person was told.
   *
   * @throws {PosternError} ERR_POSTERN_CLIENT_PERSON_NOT_TOLD when that takes too long, or what the host throws.
   */
  async tell(asked: Pick<SignInRequest, 'service' | 'challenge' | 'reason'>): Promise<string | undefined> {
    const { pendingId } = asked.challenge;
    let telling = this.#told.get(pendingId);
    if (telling === undefined) this.#told.set(pendingId, (telling = this.#now(asked)));
    try {
      const instead = await telling;
      this.#failures.delete(pendingId);
      if (instead !== undefined) this.#told.delete(pendingId);
      return instead;
    } catch (error) {
      // Nobody has been told, so the next call has to.
      this.#told.delete(pendingId);
      this.#failures.set(pendingId, error);
      throw error;
    }
  }

  /** @throws why a person has not been told. */
  throwIfUntold(): void {
    for (const failure of this.#failures.values()) throw failure;
  }

  async #now(asked: Pick<SignInRequest, 'service' | 'challenge' | 'reason'>): Promise<string | undefined> {
    const tell = async (): Promise<string | undefined | void> => this.#tell({ ...this.#run, ...asked });
    return (await within(tell(), tellMs, notTold)) ?? undefined;
  }
}

function notTold(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_PERSON_NOT_TOLD',
    `telling a person of their link took over ${tellMs} ms`,
    { hint: 'Look at the function that was given as "tell": it may wait for what never comes.' },
  );
}

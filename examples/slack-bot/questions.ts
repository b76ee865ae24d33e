import { z } from 'zod';
import type { SlackPlace } from '../../src/agents/index.ts';
import {
  absent,
  Collection,
  type Lease,
  NamespacedStorage,
  type StorageBackend,
  tryAcquireLease,
} from '../../src/kernel.ts';

/** Something that somebody has asked the bot. */
export interface Question {
  /** Channel and time of its message: however often Slack delivers it, and as whatever event, it is one. */
  readonly id: string;
  /** Who asked, as {@link personOf} has it. */
  readonly person: string;
  readonly place: SlackPlace;
  readonly text: string;
}

/** A question, and the right to answer it. */
export interface TakenQuestion {
  readonly question: Question;
  /** To be called when it is begun with. A question that nobody begins with is left to others when its lease is over. */
  readonly keep: () => void;
  /** To be called when something final was said. */
  readonly end: () => Promise<void>;
  /** For another process, or a later try. */
  readonly leave: () => Promise<void>;
}

const schema = z.looseObject({
  id: z.string(),
  person: z.string(),
  place: z.looseObject({ channel: z.string(), user: z.string(), thread: z.string().optional() }),
  text: z.string(),
});

/** Slack gives up on a delivery after an hour, and on one that was delayed after a day. */
const keepMs = 25 * 60 * 60_000;

/** The questions of all processes: each is taken once, and none is lost by the one that has taken it. */
export class Questions {
  readonly #storage: NamespacedStorage;
  readonly #heard: Collection<true>;
  readonly #open: Collection<Question>;
  readonly #leaseMs: number;
  readonly #now: () => number;

  /** @param options.leaseMs after this long without a sign of life, whoever has a question counts as dead. */
  constructor(backend: StorageBackend, { leaseMs, now }: { leaseMs: number; now: () => number }) {
    this.#storage = new NamespacedStorage(backend, ['app', 'slack-bot']);
    this.#heard = new Collection(this.#storage.namespace('heard'), z.literal(true));
    this.#open = new Collection(this.#storage.namespace('open'), schema);
    this.#leaseMs = leaseMs;
    this.#now = now;
  }

  /** Takes a question. It is on the disk when this returns; `undefined` when it was heard before. */
  async take(question: Question): Promise<TakenQuestion | undefined> {
    const lease = await this.#lease(question.id);
    if (lease === undefined) return undefined;
    const expiresAtMs = this.#now() + keepMs;
    const taken = await this.#storage
      .commit([
        this.#heard.putting([question.id], true, { expect: absent, expiresAtMs }),
        this.#open.putting([question.id], question, { expiresAtMs }),
      ])
      .catch(async (error: unknown) => {
        // It is delivered again, and has to be taken then.
        await lease.release();
        throw error;
      });
    if (taken !== undefined) return this.#taken(question, lease);
    await lease.release();
    return undefined;
  }

  /** Takes the questions of processes that have died over them. */
  async takeLeft(): Promise<TakenQuestion[]> {
    const left: TakenQuestion[] = [];
    for await (const { value: question } of this.#open.all()) {
      const lease = await this.#lease(question.id);
      if (lease === undefined) continue;
      // It may have been ended since it was listed.
      if ((await this.#open.find(question.id)) !== undefined) left.push(this.#taken(question, lease));
      else await lease.release();
    }
    return left;
  }

  #lease(id: string): Promise<Lease | undefined> {
    return tryAcquireLease(this.#storage, ['answering', id], { leaseMs: this.#leaseMs, clock: this.#now });
  }

  #taken(question: Question, lease: Lease): TakenQuestion {
    let stopRenewing = (): void => {};
    const leave = async (): Promise<void> => {
      stopRenewing();
      await lease.release();
    };
    return {
      question,
      keep: () => void (stopRenewing = lease.keepAlive()),
      leave,
      end: async () => {
        await this.#open.delete([question.id]);
        await leave();
      },
    };
  }
}

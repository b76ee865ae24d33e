import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Logger } from '../core/logger.ts';
import { hashUnremembered, randomId, type RandomBytes } from '../core/random.ts';
import { absent, type Change } from '../storage/contract.ts';
import { Collection } from '../storage/collection.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { isUnreadable, unreadableFields } from '../storage/unreadable.ts';

/** Who is at a browser, by the word of the issuer. */
export interface SignedInPerson {
  /** What `verifyUser` answers. */
  readonly id: string;
  /** What they call their account, or else what its issuer does, for them to read. It decides nothing. */
  readonly account?: string | undefined;
}

const schema: ZodType<SignedInPerson> = z.looseObject({ id: z.string(), account: z.string().optional() });

/**
 * Who is signed in at which browser. The cookie is random and says nothing; what it stands for is in the store, under its
 * hash, so that every process knows it, and nobody after a logout.
 */
export class PersonSessions {
  readonly #sessions: Collection<SignedInPerson>;
  readonly #used: NamespacedStorage;
  readonly #storage: NamespacedStorage;
  readonly #random: RandomBytes;
  readonly #logger: Logger;

  constructor(storage: NamespacedStorage, { random, logger }: { random: RandomBytes; logger: Logger }) {
    this.#storage = storage;
    this.#sessions = new Collection(storage.namespace('session'), schema);
    this.#used = storage.namespace('used');
    this.#random = random;
    this.#logger = logger;
  }

  /** Who a cookie stands for. One whose record cannot be read is nobody's: its person can sign in anew, and else never could. */
  async find(cookie: string): Promise<SignedInPerson | undefined> {
    try {
      return (await this.#sessions.find(await hashUnremembered(cookie)))?.value;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#logger.error('the session of a browser cannot be read, and its person is asked anew', {
        ...unreadableFields(error),
      });
      return undefined;
    }
  }

  /**
   * Begins a session, under a value nobody has seen before, ends the one that the browser had, and uses up the state it came
   * back with: one commit.
   *
   * @returns the new cookie's value; `undefined` when the state was used before.
   */
  async begin(
    person: SignedInPerson,
    {
      state,
      before,
      expiresAtMs,
      usedUntilMs,
    }: { state: string; before: string | undefined; expiresAtMs: number; usedUntilMs: number },
  ): Promise<string | undefined> {
    const cookie = randomId(this.#random);
    const changes: Change[] = [
      {
        put: this.#used.key([await hashUnremembered(state)]),
        value: new Uint8Array([1]),
        expiresAtMs: usedUntilMs,
        expect: absent,
      },
      this.#sessions.putting([await hashUnremembered(cookie)], person, { expiresAtMs }),
    ];
    if (before !== undefined) changes.push(this.#sessions.deleting([await hashUnremembered(before)]));
    return (await this.#storage.commit(changes)) === undefined ? undefined : cookie;
  }

  async end(cookie: string): Promise<void> {
    await this.#sessions.delete([await hashUnremembered(cookie)]);
  }
}

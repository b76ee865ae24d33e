import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { StoreSeal } from '../storage/store-seal.ts';
import { logUnreadable } from '../storage/unreadable.ts';

/** What has to be known of a browser that is sent to the issuer, when it comes back. */
export interface SignInTrip {
  readonly codeVerifier: string;
  readonly nonce: string;
  /** The hash of the cookie of the browser that was sent. */
  readonly browser: string;
  readonly returnTo: string;
  readonly expiresAtMs: number;
}

const schema: ZodType<SignInTrip> = z.strictObject({
  codeVerifier: z.string(),
  nonce: z.string(),
  browser: z.string(),
  returnTo: z.string(),
  expiresAtMs: z.number(),
});

const context = 'postern browser sign-in';
const maxStateLength = 4_096;

/**
 * Trips to the issuer and back. A trip is its own `state`, sealed with a key that lives in the store: any process can read
 * it, nobody else can make one, and whoever asks for thousands fills nothing.
 */
export class SignInTrips {
  readonly #seal: StoreSeal;

  /** @param storage of one sign-in alone: the trips of another do not open with its key. */
  constructor(storage: NamespacedStorage, logger: Logger) {
    this.#seal = new StoreSeal(storage, ['key'], logUnreadable(logger));
  }

  seal(trip: SignInTrip): Promise<string> {
    return this.#seal.seal(context, JSON.stringify(trip));
  }

  /** The inverse of {@link seal}; `undefined` for what was not sealed here. It may have ended. */
  async open(state: string): Promise<SignInTrip | undefined> {
    if (state.length > maxStateLength) return undefined;
    const text = await this.#seal.open(context, state);
    return text === undefined ? undefined : schema.safeParse(JSON.parse(text)).data;
  }
}

import * as z from 'zod';
import type { ZodType } from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { StoreSeal } from '../storage/store-seal.ts';
import { isUnreadable } from '../storage/unreadable.ts';
import type { Surroundings } from '../sync/surroundings.ts';

/** What a call remembers while its client holds it: which pendings it waits for, and which call it is. */
export interface RequestState {
  /** The tool, and the hash of the arguments: the state is good for this call only. */
  readonly tool: string;
  readonly arguments: string;
  /** The pendings the call waits for. `accepted`: their person has agreed to open the link. */
  readonly asked: readonly { readonly id: string; readonly accepted: boolean }[];
  /** The same for every state of one wait, so that all of them together are good for one run of the handler. */
  readonly nonce: string;
  readonly expiresAtMs: number;
}

const requestState: ZodType<RequestState> = z.strictObject({
  tool: z.string(),
  arguments: z.string(),
  asked: z.array(z.strictObject({ id: z.string(), accepted: z.boolean() })).min(1),
  nonce: z.string(),
  expiresAtMs: z.number(),
});

/** Twenty pendings fit well into half of it. */
const maxTextLength = 8_192;
/** How much longer than its states a mark of use is kept: what the clocks of store and processes may differ by. */
const skewMs = 60 * 60_000;

/**
 * Seals and opens the `requestState` of tool calls.
 *
 * It comes back from the client, so it is believed only when it was sealed by a server on the same store, for the
 * same principal: AES-256-GCM, with a key that lives in the store.
 */
export class RequestStates {
  readonly #storage: StorageBackend;
  readonly #now: () => Promise<number>;
  readonly #seal: StoreSeal;

  constructor({ storage, now, onUnreadable }: Pick<Surroundings, 'storage' | 'now' | 'onUnreadable'>) {
    this.#storage = storage;
    this.#now = now;
    // The key of all servers on this store.
    this.#seal = new StoreSeal(
      new NamespacedStorage(storage, ['app', 'request-state-key']),
      ['1'],
      onUnreadable,
    );
  }

  async seal(namespace: Namespace, state: RequestState): Promise<string> {
    return this.#seal.seal(contextOf(namespace), JSON.stringify(state));
  }

  /**
   * The inverse of {@link seal}.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_STATE_INVALID when it was changed, sealed for somebody else, or has
   * expired. Which of them is not said.
   */
  async open(namespace: Namespace, text: string): Promise<RequestState> {
    const opened =
      text.length > maxTextLength ? undefined : await this.#seal.open(contextOf(namespace), text);
    const { success, data } = requestState.safeParse(opened === undefined ? undefined : JSON.parse(opened));
    if (!success || data.expiresAtMs <= (await this.#now())) throw invalidState();
    return data;
  }

  /** Takes the one run of the handler that a wait is good for. Of many concurrent callers, one gets `true`. */
  async use(namespace: Namespace, { nonce, expiresAtMs }: RequestState): Promise<boolean> {
    const used = this.#used(namespace);
    const mark = {
      put: used.key([await hashId(nonce)]),
      value: new Uint8Array([1]),
      expiresAtMs: expiresAtMs + skewMs,
      expect: absent,
    };
    return (await used.commit([mark])) !== undefined;
  }

  /** Whether the run of the handler was taken already. */
  async isUsed(namespace: Namespace, { nonce }: RequestState): Promise<boolean> {
    try {
      return (await this.#used(namespace).get(await hashId(nonce))) !== undefined;
    } catch (error) {
      // A mark that cannot be read is one.
      if (isUnreadable(error)) return true;
      throw error;
    }
  }

  #used(namespace: Namespace): NamespacedStorage {
    return storageOf(this.#storage, namespace).namespace('used-request-state');
  }
}

/** The refusal of a request state. One text for every reason. */
export function invalidState(): PosternError {
  return new PosternError('ERR_POSTERN_OOB_STATE_INVALID', 'Invalid or expired requestState', {
    hint: 'Call the tool again, without a request state.',
  });
}

/** SHA-256 of arguments, whatever the order of their fields. */
export function hashArguments(value: unknown): Promise<string> {
  return hashId(JSON.stringify(value, canonical) ?? '');
}

function canonical(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function contextOf(namespace: Namespace): string {
  return JSON.stringify(['postern request state', namespace.partition]);
}

import type { AuthChallenge } from '../client/auth/authorization-required-error.ts';
import type { Authorization, AuthStrategy, Refusal } from '../client/auth/auth-strategy.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { mayHold } from '../interaction/credentials/may-hold.ts';
import { createNamespace, type Namespace } from '../namespace/namespace.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { BridgedServerConfig, BridgeOptions, BridgeSettings } from './options.ts';
import type { SignIns } from './sign-ins.ts';

/** What requests to the servers of one bridge are sent with, and how their person comes to it. */
export class Credentials {
  readonly namespace: Namespace;
  readonly #options: BridgeOptions;
  readonly #settings: BridgeSettings;
  #storage: Promise<StorageBackend> | undefined;
  #signIns: Promise<SignIns> | undefined;
  #closed = false;

  constructor(options: BridgeOptions, settings: BridgeSettings) {
    this.#options = options;
    this.#settings = settings;
    this.namespace = createNamespace('client', options.contextId ?? 'default');
  }

  /** Where everything is kept; opened when it is first needed. */
  storage(): Promise<StorageBackend> {
    this.#storage ??= this.#openStorage();
    return this.#storage;
  }

  /** What requests to one server are sent with. What renews and asks is loaded when there is something to renew or to ask. */
  strategyFor(server: string, config: BridgedServerConfig): AuthStrategy {
    if (sendsItself(config))
      return { authorize: async () => ({ headers: {} }), handleRefusal: async () => false };
    return new LateStrategy(
      async () => {
        const { type } = typeof config.auth === 'object' ? config.auth : { type: 'oauth' };
        return (
          type !== 'oauth' ||
          (await mayHold(await this.storage(), { namespace: this.namespace, resource: config.url }))
        );
      },
      async () => (await this.signIns()).strategyFor(server, config),
    );
  }

  /** What asks people. */
  signIns(): Promise<SignIns> {
    if (this.#closed) throw new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the bridge was closed');
    this.#signIns ??= (async () => {
      const [{ SignIns: Loaded }, storage] = await Promise.all([import('./sign-ins.ts'), this.storage()]);
      return new Loaded(storage, this.#options, this.#settings);
    })();
    return this.#signIns;
  }

  /** Opens what a person has to see, once for each sign-in. */
  async show(challenge: AuthChallenge, options: { isAsked: boolean }): Promise<void> {
    await (await this.signIns()).show(challenge, options);
  }

  /** Finishes a sign-in with the address that a browser elsewhere has ended at. Says what is wrong with it. */
  async takeAddress(address: string): Promise<void> {
    try {
      await (await this.signIns()).takeAddress(address);
    } catch (error) {
      const hint = findPosternError(error)?.hint;
      this.#settings.say(
        `That did not work. ${hint ?? 'Paste the whole address that your browser ends at.'}`,
      );
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#signIns?.catch(() => undefined))?.close();
    await (await this.#storage?.catch(() => undefined))?.close();
  }

  async #openStorage(): Promise<StorageBackend> {
    const { storage } = this.#options;
    if (storage !== undefined) return storage();
    const { openUserStorage } = await import('../storage/local.ts');
    return openUserStorage('postern');
  }
}

/** Whether what a server is sent is all in its configuration. */
function sendsItself({ auth, headers = {} }: BridgedServerConfig): boolean {
  if (auth !== undefined) return typeof auth === 'object' && auth.type === 'none';
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
}

/**
 * Stands for a strategy until there is something for it to do. Most of what it would load is for renewing and asking, and
 * the first answer of a server that asks for nothing does not wait for it.
 */
class LateStrategy implements AuthStrategy {
  readonly #isNeeded: () => Promise<boolean>;
  readonly #load: () => Promise<AuthStrategy>;
  #real: AuthStrategy | undefined;
  #loading: Promise<AuthStrategy> | undefined;
  #looking: Promise<boolean> | undefined;

  constructor(isNeeded: () => Promise<boolean>, load: () => Promise<AuthStrategy>) {
    this.#isNeeded = isNeeded;
    this.#load = load;
  }

  async authorize(request: { method: string; url: string }): Promise<Authorization> {
    if (this.#real !== undefined) return this.#real.authorize(request);
    this.#looking ??= this.#isNeeded();
    if (!(await this.#looking) && this.#loading === undefined) return { headers: {} };
    return (await this.#loaded()).authorize(request);
  }

  accepted(authorization: Authorization): void {
    this.#real?.accepted?.(authorization);
  }

  async handleRefusal(refusal: Refusal): Promise<boolean> {
    return (await this.#loaded()).handleRefusal(refusal);
  }

  async #loaded(): Promise<AuthStrategy> {
    this.#loading ??= this.#load();
    this.#real = await this.#loading;
    return this.#real;
  }
}

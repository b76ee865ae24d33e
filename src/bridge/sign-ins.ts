import { createStrategy } from '../client/auth/create-strategy.ts';
import type { AuthChallenge } from '../client/auth/authorization-required-error.ts';
import type { AuthStrategy } from '../client/auth/auth-strategy.ts';
import { defaultAlias } from '../client/account-alias.ts';
import type { Context } from '../client/context.ts';
import type { AuthCoordinator } from '../client/coordinators/auth-coordinator.ts';
import { LocalAuthCoordinator } from '../client/coordinators/local-auth-coordinator.ts';
import type { SignInLink } from '../client/coordinators/sign-in-link.ts';
import { noticeOf } from '../client/coordinators/terminal-notice.ts';
import { parseServerConfig } from '../client/server-config.ts';
import { systemClock } from '../core/clock.ts';
import type { PosternError } from '../core/postern-error.ts';
import { commonNetwork } from '../http/network.ts';
import { reachesBrowser } from '../interaction/this-machine/reaches-browser.ts';
import { errorOfEnd } from '../pending/pending.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { BridgedServerConfig, BridgeOptions, BridgeSettings } from './options.ts';

/**
 * Signs the person of a bridge in. Bridges on one store share one link, one callback and one registration, whichever of
 * their processes lives.
 */
export class SignIns {
  readonly #coordinator: LocalAuthCoordinator;
  readonly #context: Context<AuthCoordinator>;
  readonly #settings: BridgeSettings;
  readonly #openBrowser: BridgeOptions['openBrowser'];
  /** The sign-ins that were begun here. */
  readonly #begun = new Set<string>();
  /** The sign-ins that a browser was opened for here. */
  readonly #opened = new Set<string>();

  constructor(storage: StorageBackend, options: BridgeOptions, settings: BridgeSettings) {
    const { callbackHost, callbackPort, clientMetadataUrl, contextId = 'default' } = options;
    this.#settings = settings;
    this.#openBrowser = options.openBrowser;
    this.#coordinator = new LocalAuthCoordinator({
      storage,
      logger: settings.logger,
      blockUntilCallback: false,
      // When somebody wants it, and not because a host was started.
      autoOpenBrowser: false,
      onLink: (link) => this.#tell(link),
      ...(callbackHost && { host: callbackHost }),
      ...(callbackPort !== undefined && { port: callbackPort }),
      ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    });
    this.#context = this.#coordinator.createContext(contextId);
  }

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the server is not configured right. */
  strategyFor(server: string, config: BridgedServerConfig): AuthStrategy {
    const { url, auth, headers, reason } = config;
    const http = {
      url,
      ...(auth !== undefined && { auth }),
      ...(headers !== undefined && { headers }),
      ...(reason !== undefined && { reason }),
    };
    return createStrategy({
      config: parseServerConfig(server, http),
      context: this.#context,
      coordinator: this.#coordinator,
      server,
      alias: defaultAlias,
      fetch: commonNetwork().fetch,
      clock: systemClock,
      logger: this.#settings.logger,
    });
  }

  /**
   * Opens a browser for a sign-in, once, where there can be one.
   *
   * @param options `isAsked`: somebody wants it now. Otherwise only the process opens it that has begun the sign-in: of
   * several that a host starts at once, one.
   */
  async show({ pendingId, url, userCode }: AuthChallenge, options: { isAsked: boolean }): Promise<void> {
    if (!options.isAsked && !this.#begun.has(pendingId)) return;
    if (this.#openBrowser === false || userCode !== undefined || this.#opened.has(pendingId)) return;
    if (this.#openBrowser === undefined && !reachesBrowser()) return;
    this.#opened.add(pendingId);
    const open =
      this.#openBrowser ?? (await import('../interaction/this-machine/open-browser.ts')).openBrowser;
    // The link was said already, for where none opens.
    await open(url).catch(() => false);
  }

  /**
   * Waits until a sign-in has ended, in whichever process.
   *
   * @returns why it has not come to anything; `undefined` when the person has signed in.
   * @throws the signal's reason when it aborts.
   */
  async untilEnd(
    { pendingId }: Pick<AuthChallenge, 'pendingId'>,
    signal: AbortSignal,
  ): Promise<PosternError | undefined> {
    const pending = await this.#coordinator.pendings.in(this.#context.namespace).get(pendingId);
    const ended = pending && (await this.#coordinator.awaitEnd(pending, { signal }));
    return errorOfEnd(ended ?? { status: 'expired' });
  }

  /** Finishes a sign-in with the address that a browser elsewhere ended at. @throws {PosternError} saying what is wrong with it. */
  async takeAddress(address: string): Promise<void> {
    await this.#coordinator.complete(address);
  }

  close(): Promise<void> {
    return this.#coordinator.close();
  }

  #tell(link: SignInLink): void {
    this.#begun.add(link.pendingId);
    const { say } = this.#settings;
    say(noticeOf(link));
    if (!process.stdin.isTTY || link.userCode !== undefined || reachesBrowser()) return;
    this.#coordinator.authorizationUrl({ pendingId: link.pendingId }).then(
      (url) =>
        say(`No browser here? Open this one elsewhere, and paste the address that it ends at:\n${url}`),
      () => {},
    );
  }
}

import type { AuthStrategy } from '../auth/auth-strategy.ts';
import { AuthorizationRequiredError, type AuthChallenge } from '../auth/authorization-required-error.ts';
import { createStrategy } from '../auth/create-strategy.ts';
import { findPosternError } from '../../core/postern-error.ts';
import type { KeptAccount } from '../kept-account.ts';
import { SessionAuthProvider } from './session-auth-provider.ts';
import { sessionFetch } from './session-fetch.ts';
import type { SessionOptions } from './session-options.ts';
import { SessionState } from './session-state.ts';

/** What a session is used with: whether there is anything, who gives it, and how other clients of MCP borrow it. */
export abstract class SessionCredential extends SessionState {
  readonly #options: SessionOptions;
  protected readonly strategy: AuthStrategy;
  #fetch: typeof globalThis.fetch | undefined;
  #authProvider: SessionAuthProvider | undefined;

  constructor(options: SessionOptions) {
    super(options);
    this.#options = options;
    this.strategy = createStrategy(options);
  }

  /**
   * For another client of MCP, in the place of what it had for authorization: sends requests to this server with this
   * account's credential, found, renewed and refused as the session's own is. A property, so that it can be handed on.
   *
   * What it sends elsewhere goes without a credential. It rejects with an {@link AuthorizationRequiredError} when a person
   * has to sign in first; a coordinator that blocks has it wait for them.
   *
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED where the server has no `url`.
   * @example
   * new StreamableHTTPClientTransport(url, { fetch: client.session('calendar').fetch })
   */
  get fetch(): typeof globalThis.fetch {
    this.#fetch ??= sessionFetch(this.strategy, this.#options);
    return this.#fetch;
  }

  /**
   * For a client of MCP that takes an `AuthProvider` of the official SDK (2.x) and no `fetch`; where it takes both,
   * {@link fetch} is the better one, and SDKs that know only the older interface take `oauthClientProvider(session)`.
   *
   * The same for each call, so that what one of its holders has learned of a credential, all have.
   *
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED where the server has no `url`.
   * @example
   * new StreamableHTTPClientTransport(url, { authProvider: client.session('calendar').authProvider })
   */
  get authProvider(): SessionAuthProvider {
    this.#authProvider ??= new SessionAuthProvider(this.strategy, this.#options);
    return this.#authProvider;
  }

  /**
   * Lets a person who declined a moment ago be asked again, by the next call: on their own wish. They are not for 60 s otherwise
   * (`declineCooldownMs`).
   */
  async askAgain(): Promise<void> {
    await this.strategy.person?.askAgain();
  }

  /** The live link for this server, from the store. Changes nothing. */
  async getAuthChallenge(): Promise<AuthChallenge | undefined> {
    return this.strategy.person?.findChallenge();
  }

  /** Has a live sign-in carry the context's metadata as it is now. Never rejects: the next call does it again. */
  async renewChallenge(): Promise<void> {
    if (!this.requiresUserAction) return;
    try {
      await this.strategy.person?.renewChallenge();
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#options.logger.warn('a sign-in could not be given new metadata', { code });
    }
  }

  /** What is kept for this account, without itself; `undefined` when nothing is that its person has not to be asked for. */
  async findKept(): Promise<KeptAccount | undefined> {
    const kept = await this.strategy.person?.findKept();
    return kept && { ...kept, server: this.server, alias: this.alias };
  }

  /** Whether there is a credential of this account that was good a second ago at most. Asks nobody, not even the store. */
  get hasCredential(): boolean {
    return this.isOperational && this.strategy.person?.known !== undefined;
  }

  /** Whether the person is still being waited for: another process may know better than this one. */
  protected async stillPending(): Promise<boolean> {
    const challenge = await this.strategy.person?.renewChallenge();
    if (challenge === undefined) return false;
    this.reason = new AuthorizationRequiredError(challenge);
    return true;
  }

  protected override credentialEndsAtMs(): number | undefined {
    return this.strategy.endsAtMs?.();
  }
}

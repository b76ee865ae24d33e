import { isPosternError } from '../../core/postern-error.ts';
import type { Asked, IsEnough } from '../../interaction/asking/asking.ts';
import type { CredentialKind } from '../../interaction/credential-kind.ts';
import { stateOfStored } from '../../interaction/credentials/credential-store.ts';
import type { KeptCredential } from '../../interaction/credentials/kept-credential.ts';
import type { HeldCredential } from '../../interaction/credentials/credentials.ts';
import type { InteractionData, NamedFlow } from '../../interaction/flow.ts';
import { interactionOf } from '../../interaction/interaction-required-error.ts';
import { findSignInCode } from '../../interaction/oauth/sign-in-code.ts';
import type { Want } from '../../interaction/want.ts';
import type { Pending } from '../../pending/pending.ts';
import { placeAlias } from '../account-alias.ts';
import type { AskedPerson, AuthStrategyDeps, LogoutResult } from './auth-strategy.ts';
import { toLogoutResult } from './logout-result.ts';
import { AuthorizationRequiredError, type AuthChallenge } from './authorization-required-error.ts';

/** How long a credential read before may be used without looking again. */
const trustMs = 1_000;

/** A refusal, as far as it says what is needed instead. */
export interface Needed {
  /** The version of the credential that was refused, if there was one. */
  readonly refused: string | undefined;
  readonly scopes: readonly string[];
  /** As the flow understands it. */
  readonly cause?: unknown;
  /** What was granted before stays good for calls that need no more. */
  readonly grantStays?: boolean | undefined;
}

export interface PersonCredentialOptions<C> {
  readonly kind: CredentialKind<C>;
  /** Loaded when somebody has to be asked. */
  readonly flow: () => Promise<NamedFlow<C>>;
  /** Is told of what they are being asked for when all is forgotten. */
  readonly onLogout?: ((live: Pending<InteractionData>) => Promise<void>) | undefined;
}

/** What a context's person gives for one server: found, asked for, forgotten. */
export class PersonCredential<C> implements AskedPerson {
  readonly #deps: AuthStrategyDeps;
  readonly #kind: CredentialKind<C>;
  readonly #flow: () => Promise<NamedFlow<C>>;
  readonly #onLogout: PersonCredentialOptions<C>['onLogout'];
  #cached: { held: HeldCredential<C> | undefined; ended: string | undefined; atMs: number } | undefined;
  #finding: Promise<HeldCredential<C> | undefined> | undefined;
  /** How often what was found was forgotten. */
  #forgotten = 0;

  constructor(deps: AuthStrategyDeps, { kind, flow, onLogout }: PersonCredentialOptions<C>) {
    this.#deps = deps;
    this.#kind = kind;
    this.#flow = flow;
    this.#onLogout = onLogout;
  }

  /** What was found last, as it was then. */
  get latest(): HeldCredential<C> | undefined {
    return this.#cached?.held;
  }

  /** What was found at most a second ago, and has not ended since. Asks nobody. */
  get known(): HeldCredential<C> | undefined {
    if (this.#cached?.held === undefined || !this.#isTrusted()) return undefined;
    const { held } = this.#cached;
    const nowMs = this.#deps.coordinator.interactions.surroundings.storeClock();
    return (held.endsAtMs ?? Infinity) > nowMs ? held : undefined;
  }

  /** As of at most a second ago, and not past its end. Callers that come together look once. */
  async current(): Promise<HeldCredential<C> | undefined> {
    const { known } = this;
    if (known !== undefined) return known;
    // That there was none is known for as long.
    if (this.#cached?.held === undefined && this.#isTrusted()) return undefined;
    this.#finding ??= this.#find();
    return this.#finding;
  }

  async #find(): Promise<HeldCredential<C> | undefined> {
    const begun = this.#forgotten;
    const { credentials } = this.#deps.coordinator.interactions;
    try {
      const held = await credentials.find(this.#want(), this.#kind);
      const kept = held ?? (await credentials.peek(this.#want(), this.#kind));
      const ended = kept?.isOver === true ? kept.version : undefined;
      // What was begun before somebody had it looked for anew is the answer to no later question.
      if (begun === this.#forgotten) this.#cached = { held, ended, atMs: this.#deps.clock() };
      return held;
    } finally {
      if (begun === this.#forgotten) this.#finding = undefined;
    }
  }

  /** Whoever asks next looks for themselves. */
  #forget(): void {
    this.#cached = undefined;
    this.#finding = undefined;
    this.#forgotten++;
  }

  #isTrusted(): boolean {
    return this.#cached !== undefined && this.#deps.clock() - this.#cached.atMs < trustMs;
  }

  /** The version of what is kept, when there was nothing {@link current} because that has ended by its own account. */
  get ended(): string | undefined {
    return this.#cached?.ended;
  }

  /** What is kept, without itself. */
  findKept(): Promise<KeptCredential | undefined> {
    return this.#deps.coordinator.interactions.credentials.findKept(this.#want(), this.#kind);
  }

  /** Whether another can take its place without its person. */
  isRenewable({ credential }: HeldCredential<C>): boolean {
    const nowMs = this.#deps.coordinator.interactions.surroundings.storeClock();
    return this.#kind.factsOf?.(credential, nowMs).renewable ?? this.#kind.renew !== undefined;
  }

  /** What is stored now, as it is. */
  async read(): Promise<HeldCredential<C> | undefined> {
    this.#forget();
    return this.#deps.coordinator.interactions.credentials.peek(this.#want(), this.#kind);
  }

  /** Tells that the server refused it. The version of what came of that; `undefined` when a person has to be asked. */
  async refused(version: string): Promise<string | undefined> {
    const { interactions } = this.#deps.coordinator;
    this.#forget();
    if ((await interactions.refused(this.#want(), this.#kind, version)) === 'ended') return undefined;
    return (await this.current())?.version;
  }

  /** Has the machine get one for itself, unless another is there by now. Its version. */
  async obtain({ refused, scopes, cause }: Needed): Promise<string | undefined> {
    this.#forget();
    const want = { ...this.#want(scopes), cause };
    await this.#deps.coordinator.interactions.credentials.obtain(want, refused, this.#kind);
    return (await this.current())?.version;
  }

  /**
   * Asks the person; returns when another credential has been stored meanwhile.
   *
   * @throws {AuthorizationRequiredError} with the one live link.
   */
  async ask({ refused, scopes, cause, grantStays }: Needed): Promise<void> {
    const { coordinator } = this.#deps;
    const kind = this.#kind;
    const { storeClock } = coordinator.interactions.surroundings;
    this.#forget();
    const flow = await this.#flow();
    const isEnough: IsEnough = ({ version, value }) =>
      version !== refused && stateOfStored(value, kind, storeClock()) !== 'over';
    const ask = async (): Promise<Asked | undefined> =>
      coordinator.interactions.ask({ ...this.#want(scopes), cause }, flow, isEnough);
    const asked = await ask().catch(async (error: unknown) => {
      const { server, alias } = this.#deps;
      const isDeclined = isPosternError(error, 'ERR_POSTERN_AUTH_DENIED');
      if (!isDeclined || !(await coordinator.wantsAgain(server, alias))) throw error;
      await coordinator.interactions.askAgain(this.#want());
      return ask();
    });
    if (asked === undefined) return;
    await coordinator.present(asked.pending, asked);
    throw new AuthorizationRequiredError(this.#challengeOf(asked.pending), { grantStays });
  }

  /** What the person is being asked for begins anew, behind the same link. */
  async beginAnew(cause: unknown): Promise<void> {
    const live = await this.findLive();
    if (live !== undefined)
      await this.#deps.coordinator.interactions.beginAnew(live, await this.#flow(), cause);
  }

  /** What the person is being asked for, if anything. Changes nothing. */
  findLive(): Promise<Pending<InteractionData> | undefined> {
    return this.#deps.coordinator.interactions.findLive(this.#want());
  }

  /** The live link, if a person is being waited for. Changes nothing. */
  async findChallenge(): Promise<AuthChallenge | undefined> {
    const live = await this.findLive();
    return live && this.#challengeOf(live);
  }

  /** The live link, with the context's present metadata written to it. */
  async renewChallenge(): Promise<AuthChallenge | undefined> {
    const { interactions } = this.#deps.coordinator;
    const live = await interactions.findLive(this.#want());
    if (live === undefined) return undefined;
    return this.#challengeOf(await interactions.renewLive(live, this.#want(), await this.#flow()));
  }

  /** Lets a person who declined a moment ago be asked again. */
  askAgain(): Promise<void> {
    return this.#deps.coordinator.interactions.askAgain(this.#want());
  }

  async logout(): Promise<LogoutResult> {
    const live = await this.findLive();
    if (live !== undefined) await this.#onLogout?.(live);
    this.#forget();
    return toLogoutResult(await this.#deps.coordinator.interactions.forget(this.#want(), this.#kind));
  }

  /** Resolves when nothing that was sent is unsaved. */
  settle(): Promise<void> {
    return this.#deps.coordinator.interactions.credentials.settle();
  }

  /** A credential follows what it is for, not the name that a server has here. */
  #want(scopes: readonly string[] = []): Want {
    const { context, server, serverUrl, reason } = this.#deps;
    const { namespace, initiator, metadata } = context;
    const alias = placeAlias(server, this.#deps.alias);
    return { namespace, initiator, resource: serverUrl ?? server, alias, scopes, reason, metadata };
  }

  #challengeOf(pending: Pending<InteractionData>): AuthChallenge {
    const { context, server, alias } = this.#deps;
    const scopes = pending.data?.request.scopes ?? [];
    const code = findSignInCode(pending);
    return { ...interactionOf(pending), ...code, contextId: context.id, server, alias, scopes };
  }
}

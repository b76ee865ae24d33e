import type { Clock } from '../core/clock.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { parseChallenge, type Challenge } from '../oauth/challenge.ts';
import type { TokenRequestOptions } from '../oauth/token-request.ts';
import { createOAuthHttp, type OAuthHttp } from '../oauth/oauth-http.ts';
import { isScopeSubset, unionScopes } from '../oauth/scopes.ts';
import type { Pending } from '../pending/pending.ts';
import type { Stored } from '../storage/collection.ts';
import { Cooldown } from '../sync/cooldown.ts';
import { acquireLease } from '../sync/lease.ts';
import { SingleFlight } from '../sync/single-flight.ts';
import type { AuthCoordinator } from './auth-coordinator.ts';
import type {
  Authorization,
  AuthStrategy,
  AuthStrategyDeps,
  LogoutResult,
  Refusal,
} from './auth-strategy.ts';
import { AuthorizationRequiredError, type AuthChallenge } from './authorization-required-error.ts';
import { declinedPath } from './callback-handler.ts';
import type { SignIn } from './completion.ts';
import { GrantStore } from './grant-store.ts';
import type { MachineGrant } from './machine-grants.ts';
import type { OAuthConfig } from './server-config.ts';
import type { SignInPlanner } from './sign-in-planner.ts';
import type { StoredGrant } from './stored-grant.ts';

export interface OAuthStrategyOptions extends Omit<OAuthConfig, 'type'> {
  readonly machineGrant?: MachineGrant | undefined;
  readonly tokenOptions?: TokenRequestOptions | undefined;
}

/** Refreshed this long before the end, or when a tenth of the time is left, whichever is later. */
const aheadMs = 60_000;
/** A server that refuses a grant this young, and what came of refreshing it, will refuse the next one too. */
const freshMs = 60_000;

const machineGrants = new WeakMap<AuthCoordinator, SingleFlight<void>>();
const signIns = new WeakMap<AuthCoordinator, SingleFlight<{ pending: Pending<SignIn>; created: boolean }>>();

/** What a request was sent with: one version of the stored grant, and the authorization it descends from. */
interface SentCredential {
  readonly version: string;
  readonly authorizedAtMs: number;
  readonly issuedAtMs: number;
}

/** OAuth 2.1 for one server and one context: answers its challenges, keeps its grant fresh. */
export class OAuthStrategy implements AuthStrategy {
  readonly #deps: AuthStrategyDeps;
  readonly #options: OAuthStrategyOptions;
  readonly #origin: string;
  readonly #http: OAuthHttp;
  readonly #grants: GrantStore;
  readonly #clock: Clock;
  /** The newest credential that the server was seen to accept. */
  #accepted: SentCredential | undefined;
  /** The version that came of the last refresh this process asked for after a refusal, until the server accepts it. */
  #renewed: string | undefined;
  /** When the server refused that, by a clock that nobody sets. */
  #refusedRenewalAt = Number.NEGATIVE_INFINITY;
  #dpopNonce: string | undefined;
  #planning: Promise<SignInPlanner> | undefined;

  constructor(deps: AuthStrategyDeps, options: OAuthStrategyOptions = {}) {
    if (deps.serverUrl === undefined) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `the server ${JSON.stringify(deps.server)} needs a "url" for OAuth`,
      );
    }
    this.#deps = deps;
    this.#options = options;
    this.#origin = new URL(deps.serverUrl).origin;
    this.#clock = deps.clock;
    this.#http = createOAuthHttp({
      fetch: deps.fetch,
      timeoutMs: deps.coordinator.oauthTimeoutMs,
      clock: deps.clock,
      trustedBy: deps.serverUrl,
    });
    const { leaseMs } = deps.coordinator;
    this.#grants = new GrantStore(deps.storage.namespace('oauth'), this.#http, {
      leaseMs,
      tokenOptions: options.tokenOptions,
    });
  }

  async authorize({ method, url }: { method: string; url: string }): Promise<Authorization> {
    const stored = await this.#usable();
    if (stored === undefined || !url.startsWith(`${this.#origin}/`)) return { headers: {} };
    const { grant } = stored.value;
    const credential: SentCredential = {
      version: stored.version,
      authorizedAtMs: stored.value.authorizedAtMs,
      issuedAtMs: grant.refreshedAtMs ?? grant.obtainedAtMs,
    };
    if (grant.tokenType !== 'dpop')
      return { headers: { authorization: `Bearer ${grant.accessToken}` }, credential };
    const { createDpopProof } = await import('../oauth/dpop.ts');
    const proof = await createDpopProof({
      keyJwk: grant.dpopKeyJwk ?? {},
      method,
      url,
      accessToken: grant.accessToken,
      nonce: this.#dpopNonce,
      clock: this.#clock,
    });
    return { headers: { authorization: `DPoP ${grant.accessToken}`, dpop: proof }, credential };
  }

  accepted({ credential }: Authorization): void {
    const sent = credential as SentCredential | undefined;
    if (sent === undefined) return;
    if (sent.version === this.#renewed) this.#renewed = undefined;
    this.#refusedRenewalAt = Number.NEGATIVE_INFINITY;
    if (!(sent.issuedAtMs < (this.#accepted?.issuedAtMs ?? 0))) this.#accepted = sent;
  }

  async handleRefusal({ response, authorization, attempt }: Refusal): Promise<boolean> {
    const challenge = parseChallenge(response);
    if (challenge?.error === 'use_dpop_nonce' && challenge.dpopNonce !== undefined) {
      const known = this.#dpopNonce === challenge.dpopNonce;
      this.#dpopNonce = challenge.dpopNonce;
      return !known && attempt < 3;
    }
    const refused = (authorization.credential as SentCredential | undefined)?.version;
    if (response.status === 403) return this.#stepUp(challenge, refused);
    const stored = await this.#grants.read();
    if (stored === undefined) return this.#authorizeAnew(challenge, refused);
    // Somebody has renewed it since this request was sent.
    if (stored.version !== refused) return true;
    const { grant } = stored.value;
    // What was accepted and then ended early is renewed again, however young it is. So is what others have renewed:
    // whether it was ever accepted, only they know.
    const isFutile = this.#wasRenewedInVain(stored.version);
    if (!isFutile && grant.refreshToken !== undefined) {
      const renewed = await this.#grants.refresh(stored.version);
      this.#renewed = renewed?.version;
      if (renewed !== undefined) return true;
    } else {
      this.#assertNotFresh(stored);
    }
    (await this.#planner()).forgetDiscovery();
    return this.#authorizeAnew(challenge, refused);
  }

  async findChallenge(): Promise<AuthChallenge | undefined> {
    const pending = await this.#deps.coordinator.pendings.findLive(this.#deps.context.namespace, this.#slot);
    return pending && this.#challengeOf(pending);
  }

  async renewChallenge(): Promise<AuthChallenge | undefined> {
    const pending = await this.#deps.coordinator.pendings.findLive(this.#deps.context.namespace, this.#slot);
    return pending && this.#challengeOf(await this.#widen(pending, undefined));
  }

  async logout(): Promise<LogoutResult> {
    const { coordinator, context } = this.#deps;
    const pending = await coordinator.pendings.findLive(context.namespace, this.#slot);
    if (pending !== undefined) await this.#withdraw(pending);
    const retired = await this.#grants.retire();
    if (retired.length === 0) return { revoked: false, reason: 'there was nothing to revoke' };
    try {
      const revoked = await Promise.all(retired.map((grant) => this.#grants.revoke(grant)));
      return revoked.every(Boolean)
        ? { revoked: true }
        : {
            revoked: false,
            reason: 'the authorization server offers no revocation; the access token ends by itself',
          };
    } catch (error) {
      return {
        revoked: false,
        reason: `the authorization server did not confirm (${findPosternError(error)?.code ?? 'unknown'})`,
      };
    }
  }

  async #withdraw({ id }: Pending<SignIn>): Promise<void> {
    const { coordinator, context } = this.#deps;
    await coordinator.pendings
      .in(context.namespace)
      .cancel(id)
      .catch((error: unknown) => {
        // It has ended meanwhile, by somebody's hand or by time.
        const code = findPosternError(error)?.code;
        if (code !== 'ERR_POSTERN_PENDING_ALREADY_FINISHED' && code !== 'ERR_POSTERN_PENDING_NOT_FOUND')
          throw error;
      });
  }

  /** Waits for a refresh that is under way: what was sent must be saved. */
  close(): Promise<void> {
    return this.#grants.settle();
  }

  get #slot(): readonly string[] {
    return ['server', this.#deps.server, 'oauth'];
  }

  async #usable(): Promise<Stored<StoredGrant> | undefined> {
    const stored = await this.#grants.current();
    const { expiresAtMs, refreshToken, obtainedAtMs } = stored?.value.grant ?? {};
    if (stored === undefined || expiresAtMs === undefined || refreshToken === undefined) return stored;
    const lifetimeMs = expiresAtMs - (stored.value.grant.refreshedAtMs ?? obtainedAtMs ?? expiresAtMs);
    const left = expiresAtMs - this.#clock();
    if (left > Math.min(aheadMs, lifetimeMs / 10)) return stored;
    try {
      return await this.#grants.refresh(stored.version);
    } catch (error) {
      if (left > 0) return stored;
      throw error;
    }
  }

  /** Whether this process has renewed the grant, and the server refused what came of it, not long ago. */
  #wasRenewedInVain(refused: string): boolean {
    if (refused === this.#renewed) this.#refusedRenewalAt = performance.now();
    return performance.now() - this.#refusedRenewalAt < freshMs;
  }

  #assertNotFresh(stored: Stored<StoredGrant>): void {
    const { grant, authorizedAtMs } = stored.value;
    if (this.#clock() - authorizedAtMs >= freshMs) return;
    // Ended early, as only a grant that cannot be refreshed may end unnoticed. Of others, what a server accepted
    // may have been its handshake, which many answer to anybody.
    if (grant.refreshToken === undefined && authorizedAtMs === this.#accepted?.authorizedAtMs) return;
    throw new PosternError(
      'ERR_POSTERN_AUTH_REJECTED',
      `the server ${JSON.stringify(this.#deps.server)} refuses the token its own authorization server has just issued`,
      { hint: 'The operator of that server has to look: its audience, issuer or clock may be set wrong.' },
    );
  }

  async #stepUp(challenge: Challenge | undefined, refused: string | undefined): Promise<boolean> {
    if (challenge?.error !== 'insufficient_scope') return false;
    const stored = await this.#grants.read();
    // The person has granted more since this request was sent.
    if (stored !== undefined && stored.version !== refused) return true;
    const asked = challenge.scope ?? [];
    if (stored !== undefined && isScopeSubset(asked, stored.value.requestedScopes)) {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT',
        `the server ${JSON.stringify(this.#deps.server)} still wants more scopes after they were asked for`,
        { hint: 'This account may not be allowed to do that.' },
      );
    }
    const held = unionScopes(stored?.value.requestedScopes, stored?.value.grant.scopes, asked);
    return this.#authorizeAnew(challenge, refused, held);
  }

  /** Loaded when a sign-in is first needed: most processes find a grant, and start faster without it. */
  #planner(): Promise<SignInPlanner> {
    this.#planning ??= import('./sign-in-planner.ts').then(
      ({ SignInPlanner: Planner }) => new Planner(this.#deps, this.#options, this.#http),
    );
    return this.#planning;
  }

  /** A new grant: at once where no person is needed, else through the browser. */
  async #authorizeAnew(
    challenge: Challenge | undefined,
    refused: string | undefined,
    scopes?: readonly string[],
  ): Promise<boolean> {
    if (this.#options.machineGrant !== undefined)
      return this.#grantMachine(this.#options.machineGrant, challenge, refused, scopes);
    const { coordinator } = this.#deps;
    const { pending, created } = await this.#signIn(challenge, scopes);
    // A sign-in may have ended since the grant was looked for. One that ends later ends this pending: it is the only one.
    const stored = await this.#grants.read();
    if (stored !== undefined && stored.version !== refused) {
      if (created) await this.#withdraw(pending);
      return true;
    }
    await coordinator.present(pending, { created });
    // Scopes are given by a step-up alone, and that begins with a token that the server knows.
    throw new AuthorizationRequiredError(this.#challengeOf(pending), { grantStays: scopes !== undefined });
  }

  /** One grant for everybody who asks at once, in this process and in others. */
  async #grantMachine(
    machineGrant: MachineGrant,
    challenge: Challenge | undefined,
    refused: string | undefined,
    scopes: readonly string[] | undefined,
  ): Promise<boolean> {
    const { coordinator, storage, context, server } = this.#deps;
    let flight = machineGrants.get(coordinator);
    if (flight === undefined) machineGrants.set(coordinator, (flight = new SingleFlight()));
    await flight.run(`${context.namespace.partition} ${server}`, async () => {
      await using _lease = await acquireLease(storage.namespace('oauth'), ['machine-grant-lease'], {
        leaseMs: coordinator.leaseMs,
        waitMs: coordinator.leaseMs + 5_000,
        clock: this.#clock,
      });
      const stored = await this.#grants.read();
      if (stored !== undefined && stored.version !== refused) return;
      const { discovery, scopes: wanted } = await (await this.#planner()).prepare(challenge, scopes);
      const grant = await machineGrant({ discovery, scopes: wanted, http: this.#http });
      await this.#grants.put({ grant, requestedScopes: [...(wanted ?? [])], authorizedAtMs: this.#clock() });
    });
    return true;
  }

  /** The one live sign-in of this server and context, made if there is none. */
  async #signIn(
    challenge: Challenge | undefined,
    scopes: readonly string[] | undefined,
  ): Promise<{ pending: Pending<SignIn>; created: boolean }> {
    const { coordinator, context, server } = this.#deps;
    await this.#assertNotDeclined();
    let flight = signIns.get(coordinator);
    if (flight === undefined) signIns.set(coordinator, (flight = new SingleFlight()));
    const found = await flight.run(`${context.namespace.partition} ${server}`, () =>
      coordinator.createSignIn(context.namespace, this.#slot, async () =>
        (await this.#planner()).specify(challenge, scopes),
      ),
    );
    return found.created ? found : { pending: await this.#widen(found.pending, scopes), created: false };
  }

  /** Brings a live sign-in up to date: the link stays, and asks for more when it is opened. */
  async #widen(pending: Pending<SignIn>, scopes: readonly string[] | undefined): Promise<Pending<SignIn>> {
    const { coordinator, context } = this.#deps;
    const store = coordinator.pendings.in(context.namespace);
    let current: Pending<SignIn> | undefined = pending;
    for (let tries = 0; tries < 10 && current?.data !== undefined; tries++) {
      const { data }: { data?: SignIn | undefined } = current;
      const wanted = unionScopes(data.scopes, scopes) ?? [];
      const metadata = context.metadata ?? data.metadata;
      if (
        wanted.length === data.scopes.length &&
        JSON.stringify(metadata) === JSON.stringify(data.metadata)
      ) {
        return current;
      }
      const updated = await store.updateData(current, { ...data, scopes: wanted, metadata });
      if (updated !== undefined) return updated;
      current = await store.get(pending.id);
    }
    return current ?? pending;
  }

  async #assertNotDeclined(): Promise<void> {
    const { context, server } = this.#deps;
    const cooldown = new Cooldown(context.storage, declinedPath(server), this.#clock);
    if ((await cooldown.reason()) === undefined) return;
    throw new PosternError(
      'ERR_POSTERN_AUTH_DENIED',
      `the sign-in to ${JSON.stringify(server)} was declined a moment ago`,
      {
        hint: 'Call connect() with force to ask again.',
      },
    );
  }

  #challengeOf(pending: Pending<SignIn>): AuthChallenge {
    const { context, server } = this.#deps;
    const { url, id, expiresAtMs, data } = pending;
    return { contextId: context.id, server, url, pendingId: id, expiresAtMs, scopes: data?.scopes ?? [] };
  }
}

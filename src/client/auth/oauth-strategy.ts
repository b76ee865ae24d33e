import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { CredentialKind } from '../../interaction/credential-kind.ts';
import type { HeldCredential } from '../../interaction/credentials/credentials.ts';
import type { Flow } from '../../interaction/flow.ts';
import type { ServerSignIn } from '../../interaction/oauth/server-sign-in.ts';
import { parseChallenge, type Challenge } from '../../oauth/challenge.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import { isScopeSubset, unionScopes } from '../../oauth/scopes.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import { defaultAlias } from '../account-alias.ts';
import { withExceptions } from '../security-exceptions.ts';
import type { OAuthConfig } from '../server-config.ts';
import type { Authorization, AuthStrategy, AuthStrategyDeps, Refusal } from './auth-strategy.ts';
import { isAuthorizationRequired } from './authorization-required-error.ts';
import type { MachineGrant } from './machine-grants.ts';
import { machineKind } from './machine-kind.ts';
import { PersonCredential } from './person-credential.ts';

export interface OAuthStrategyOptions extends Omit<OAuthConfig, 'type' | 'client'> {
  readonly client?: ServerSignIn['client'];
  readonly machineGrant?: MachineGrant | undefined;
  readonly tokenOptions?: TokenRequestOptions | undefined;
}

/** A server that refuses a grant this young, and what came of refreshing it, will refuse the next one too. */
const freshMs = 60_000;

/** How long a renewal that the server refused keeps from the next one, at first. */
const firstPauseMs = 2_000;

/** What a request was sent with: one version of the stored grant, and the authorization it descends from. */
type SentCredential = Pick<HeldCredential<Grant>, 'version' | 'authorizedAtMs' | 'issuedAtMs'>;

/** OAuth 2.1 for one server and one context: turns its challenges into what is needed, and sends what is there. */
export class OAuthStrategy implements AuthStrategy {
  readonly #deps: AuthStrategyDeps;
  readonly #options: OAuthStrategyOptions;
  readonly #serverUrl: string;
  readonly #origin: string;
  readonly person: PersonCredential<Grant>;
  /** The newest credential that the server was seen to accept. */
  #accepted: SentCredential | undefined;
  /** The version that came of the last refresh this process asked for after a refusal, until the server accepts it. */
  #renewed: string | undefined;
  /** What came of a renewal was refused, too: since when, and how long nothing is renewed again for that. */
  #inVain: { sinceMs: number; pauseMs: number } | undefined;
  /** What was sent last: the same for every request with that version. */
  #bearer: (Authorization & { readonly credential: SentCredential }) | undefined;
  #dpopNonce: string | undefined;
  /** Somebody starts over: the next sign-in begins from nothing. */
  #startsOver = false;
  /** … and until a person has been asked, whatever keeps the credential from being renewed leads to them. */
  #givesUp = false;

  constructor(deps: AuthStrategyDeps, options: OAuthStrategyOptions = {}) {
    if (deps.serverUrl === undefined) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `the server ${JSON.stringify(deps.server)} needs a "url" for OAuth`,
      );
    }
    this.#deps = deps;
    this.#options = withExceptions(options);
    this.#serverUrl = deps.serverUrl;
    this.#origin = new URL(deps.serverUrl).origin;
    const kind = this.#kind();
    this.person = new PersonCredential(deps, {
      kind,
      flow: async () => ({ name: 'oauth', flow: await this.#flow() }),
      // It may lead nowhere because the issuer has forgotten who we are.
      onLogout: async (live) => (await deps.coordinator.signIns()).startOver(live),
    });
  }

  async authorize({ method, url }: { method: string; url: string }): Promise<Authorization> {
    if (!url.startsWith(`${this.#origin}/`)) return { headers: {} };
    const held = this.person.known ?? (await this.#unlessGivenUp(this.#current()));
    if (held === undefined) return { headers: {} };
    const { credential: grant, version, authorizedAtMs, issuedAtMs } = held;
    if (this.#bearer?.credential.version === version) return this.#bearer;
    const credential: SentCredential = { version, authorizedAtMs, issuedAtMs };
    const bound = grant.client.mutualTls === 'bound' ? { boundBy: grant.client.issuer } : {};
    if (grant.tokenType !== 'dpop') {
      this.#bearer = { headers: { authorization: `Bearer ${grant.accessToken}` }, credential, ...bound };
      return this.#bearer;
    }
    const { createDpopProof } = await import('../../oauth/dpop.ts');
    const proof = await createDpopProof({
      keyJwk: grant.dpopKeyJwk ?? {},
      method,
      url,
      accessToken: grant.accessToken,
      nonce: this.#dpopNonce,
      clock: this.#deps.coordinator.interactions.surroundings.storeClock,
    });
    return { headers: { authorization: `DPoP ${grant.accessToken}`, dpop: proof }, credential, ...bound };
  }

  accepted({ credential }: Authorization): void {
    const sent = credential as SentCredential | undefined;
    if (sent === undefined) return;
    this.#givesUp = false;
    if (sent.version === this.#renewed) this.#renewed = undefined;
    this.#inVain = undefined;
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
    const held = await this.person.read();
    if (held === undefined) return this.#authorizeAnew(challenge, refused);
    // Somebody has renewed it since this request was sent.
    if (held.version !== refused && !held.isOver) return true;
    // What was accepted and then ended early is renewed again, however young it is. So is what others have renewed:
    // whether it was ever accepted, only they know.
    const isInVain = this.#wasRenewedInVain(held.version);
    if (this.#options.machineGrant !== undefined) {
      if (isInVain && !this.#givesUp) throw this.#refusesFresh();
    } else if (!isInVain && this.person.isRenewable(held)) {
      this.#renewed = await this.#unlessGivenUp(this.person.refused(held.version));
      if (this.#renewed !== undefined) return true;
    } else if (!this.#givesUp) {
      await this.#assertNotFresh(held);
    }
    await (await this.#deps.coordinator.signIns()).forgetDiscovery(this.#serverUrl);
    return this.#authorizeAnew(challenge, held.version);
  }

  async startOver(): Promise<void> {
    this.#startsOver = true;
    this.#givesUp = true;
    await (await this.#deps.coordinator.signIns()).forgetDiscovery(this.#serverUrl);
  }

  endsAtMs(): number | undefined {
    const held = this.person.latest;
    const isReplaced = this.#options.machineGrant !== undefined || (held && this.person.isRenewable(held));
    return isReplaced === true ? undefined : held?.endsAtMs;
  }

  /** Waits for a refresh that is under way: what was sent must be saved. */
  close(): Promise<void> {
    return this.person.settle();
  }

  /**
   * Whether this process has renewed the grant, and the server refused what came of it, not long ago.
   *
   * That may have been ended early while others used it, so it is tried again: each time after a longer pause.
   */
  #wasRenewedInVain(refused: string): boolean {
    const nowMs = this.#deps.coordinator.interactions.surroundings.clock();
    if (refused === this.#renewed) {
      this.#renewed = undefined;
      const pauseMs = Math.min(2 * (this.#inVain?.pauseMs ?? firstPauseMs / 2), freshMs);
      this.#inVain = { sinceMs: nowMs, pauseMs };
    }
    if (this.#inVain === undefined) return false;
    const { sinceMs, pauseMs } = this.#inVain;
    return nowMs >= sinceMs && nowMs - sinceMs < pauseMs;
  }

  async #assertNotFresh({ credential, authorizedAtMs }: HeldCredential<Grant>): Promise<void> {
    const nowMs = await this.#deps.coordinator.interactions.surroundings.now();
    if (nowMs - authorizedAtMs >= freshMs) return;
    // Ended early, as only a grant that cannot be refreshed may end unnoticed. Of others, what a server accepted
    // may have been its handshake, which many answer to anybody.
    if (credential.refreshToken === undefined && authorizedAtMs === this.#accepted?.authorizedAtMs) return;
    throw this.#refusesFresh();
  }

  #refusesFresh(): PosternError {
    return new PosternError(
      'ERR_POSTERN_AUTH_REJECTED',
      `the server ${JSON.stringify(this.#deps.server)} refuses the token its own authorization server has just issued`,
      { hint: 'The operator of that server has to look: its audience, issuer or clock may be set wrong.' },
    );
  }

  async #stepUp(challenge: Challenge | undefined, refused: string | undefined): Promise<boolean> {
    if (challenge?.error !== 'insufficient_scope') return false;
    const held = await this.person.read();
    // The person has granted more since this request was sent.
    if (held !== undefined && held.version !== refused) return true;
    const asked = challenge.scope ?? [];
    if (held !== undefined && isScopeSubset(asked, held.scopes)) {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT',
        `the server ${JSON.stringify(this.#deps.server)} still wants more scopes after they were asked for`,
        { hint: 'This account may not be allowed to do that.' },
      );
    }
    const scopes = unionScopes(held?.scopes, held?.credential.scopes, asked);
    return this.#authorizeAnew(challenge, refused, scopes);
  }

  /** A new grant: at once where no person is needed, else through the browser. */
  async #authorizeAnew(
    cause: Challenge | undefined,
    refused: string | undefined,
    scopes?: readonly string[],
  ): Promise<boolean> {
    // Scopes are given by a step-up alone, and that begins with a token that the server knows.
    const needed = { cause, refused, scopes: scopes ?? [], grantStays: scopes !== undefined };
    this.#givesUp = false;
    if (this.#options.machineGrant !== undefined) {
      this.#renewed = await this.person.obtain(needed);
      return true;
    }
    if (this.#startsOver) await this.person.beginAnew(cause);
    try {
      await this.person.ask(needed);
    } catch (error) {
      if (isAuthorizationRequired(error)) this.#startsOver = false;
      throw error;
    }
    return true;
  }

  /** A renewal that fails is no way out for somebody who starts over. */
  async #unlessGivenUp<T>(renewal: Promise<T>): Promise<T | undefined> {
    try {
      return await renewal;
    } catch (error) {
      if (!this.#givesUp) throw error;
      const code = findPosternError(error)?.code;
      this.#deps.logger.warn('a credential cannot be renewed, and its person is asked', { code });
      return undefined;
    }
  }

  /**
   * What to send. What has ended by its own account is not, and without it a server might answer as it does anybody: its
   * person is asked first, or a machine’s replaced.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   */
  async #current(): Promise<HeldCredential<Grant> | undefined> {
    let held: HeldCredential<Grant> | undefined;
    try {
      held = await this.person.current();
    } catch (error) {
      // Its issuer may have moved, and the server’s challenge says where to.
      if (this.#options.machineGrant === undefined || findPosternError(error)?.facts.retry !== false)
        throw error;
      return undefined;
    }
    const { ended } = this.person;
    if (held !== undefined || ended === undefined) return held;
    await this.#askAhead(ended);
    return this.person.current();
  }

  /** Without a challenge, only what the server publishes says whom to ask. Where it publishes nothing, its refusal will. */
  async #askAhead(ended: string): Promise<void> {
    const signIns = await this.#deps.coordinator.signIns();
    if ((await this.person.findLive()) === undefined) await signIns.forgetDiscovery(this.#serverUrl);
    const isKnown = await signIns.prepare(this.#signIn, undefined, []).then(
      ({ discovery }) => discovery.resourceMetadata !== undefined,
      () => false,
    );
    if (isKnown) await this.#authorizeAnew(undefined, ended);
  }

  async #flow(): Promise<Flow<Grant>> {
    const signIns = await this.#deps.coordinator.signIns();
    return signIns.flowTo(this.#signIn);
  }

  get #signIn(): ServerSignIn {
    const { server, alias, loginHint: given } = this.#deps;
    const { loginHint: configured } = this.#options;
    const byAlias = typeof configured === 'string' ? { [defaultAlias]: configured } : configured;
    const loginHint = given ?? (byAlias && Object.hasOwn(byAlias, alias) ? byAlias[alias] : undefined);
    const named = alias === defaultAlias ? {} : { alias };
    const anew = this.#startsOver;
    return { ...this.#options, server, ...named, serverUrl: this.#serverUrl, loginHint, anew };
  }

  #kind(): CredentialKind<Grant> {
    const { machineGrant, tokenOptions } = this.#options;
    const { coordinator } = this.#deps;
    if (machineGrant === undefined) return coordinator.grantKind(tokenOptions);
    return machineKind(coordinator, this.#signIn, machineGrant, tokenOptions);
  }
}

import { allowIssuerMismatch, allowPkceUnadvertised } from '../../oauth/allowed.ts';
import type { Clock } from '../../core/clock.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { checkAttempt, isPkceUnadvertised } from '../../oauth/attempt.ts';
import type { Challenge } from '../../oauth/challenge.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { deviceGrant, offersDeviceCodes } from '../../oauth/device.ts';
import { discover, discoverAuthorizationServer, type Discovery } from '../../oauth/discovery.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import { layered, profileOf, type ProfileSubject } from '../../oauth/profiles/find-profile.ts';
import type { IssuerProfile, IssuerProfiles } from '../../oauth/profiles/issuer-profile.ts';
import type { PreregisteredClient } from '../../oauth/registration.ts';
import { isSameIssuer } from '../../oauth/same-issuer.ts';
import { initialScopes, unionScopes } from '../../oauth/scopes.ts';
import { allowPrivateNetwork } from '../../oauth/url-policy.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import type { Pending } from '../../pending/pending.ts';
import {
  dataOf,
  type Flow,
  type FlowBeginning,
  type FlowStart,
  type FlowVisit,
  type FlowWatch,
  type InteractionData,
} from '../flow.ts';
import type { AskedAfter } from './await-device.ts';
import { CodeWay } from './code-way.ts';
import { consentPage } from './consent-page.ts';
import { logException, type SecurityException } from './exceptions.ts';
import { KnownDiscoveries } from './known-discoveries.ts';
import { loginHintFor } from './login-hint-for.ts';
import { redirectVisit } from './redirect-visit.ts';
import { Registrations } from './registrations.ts';
import type { ServerSignIn } from './server-sign-in.ts';
import {
  parseSignIn,
  readSignIn,
  registrationOf,
  signInData,
  titleOf,
  trimDiscovery,
  type SignInData,
} from './sign-in-data.ts';

/** Where to be authorized, how, and for what. */
interface Prepared {
  readonly discovery: Discovery;
  readonly profile: IssuerProfile;
  readonly scopes: readonly string[] | undefined;
}

export interface ServerSignInsOptions {
  readonly surroundings: Surroundings;
  readonly leaseMs: number;
  /** Requests to the authorization servers that one MCP server names. */
  readonly httpFor: (serverUrl: string, privateNetwork: boolean | undefined) => OAuthHttp;
  /** Where else the application is called back at. */
  readonly furtherCallbackUrls?: readonly string[] | undefined;
  /** Laid over what is known of issuers. */
  readonly profiles?: IssuerProfiles | undefined;
  readonly credential: CredentialKind<Grant>;
  /** Whether a person is given a code in place of the link, where the issuer has codes. */
  readonly codesFirst: () => Promise<boolean>;
}

/** Signing in to MCP servers: where they say, as which client, for which scopes. */
export class ServerSignIns {
  readonly #options: ServerSignInsOptions;
  readonly #registrations: Registrations;
  readonly #codes: CodeWay<SignInData>;
  readonly #known: KnownDiscoveries;

  constructor(options: ServerSignInsOptions) {
    this.#options = options;
    const { surroundings, leaseMs, furtherCallbackUrls } = options;
    this.#registrations = new Registrations(surroundings, leaseMs, furtherCallbackUrls);
    this.#known = new KnownDiscoveries(surroundings);
    this.#codes = new CodeWay({
      read: parseSignIn,
      httpFor: (data) => this.#httpOf(data),
      clientFor: (data, scopes) =>
        this.#registrations.forGrant(
          data.client,
          deviceGrant,
          registrationOf({ ...data, scopes }),
          this.#httpOf(data),
        ),
      replace: async (client, data, scopes) => {
        const registers = data.discovery.server.registration_endpoint !== undefined;
        if (!(await this.#registrations.refused(client, undefined, registers))) return undefined;
        const registration = registrationOf({ ...data, scopes });
        return this.#registrations.identify(registration, data.serverUrl, this.#httpOf(data));
      },
    });
  }

  /** The authorization code flow with PKCE, to one server. Any other's carries it on. */
  flowTo(signIn: ServerSignIn): Flow<Grant> {
    return {
      kind: 'oauth_redirect',
      credential: this.#options.credential,
      // Each attempt asks for what is wanted by then, and remembers what that was.
      widens: true,
      goesOut: true,
      begin: async (beginning) => {
        return { ...(await this.#begin(signIn, beginning)), message: titleOf(signIn, beginning.say) };
      },
      visit: this.visit,
    };
  }

  readonly visit: (visit: FlowVisit) => Promise<Response> = redirectVisit({
    http: (visit) => this.#httpOf(readSignIn(visit.pending)),
    goesStraightOn: ({ pending }) => readSignIn(pending).code === undefined,
    redirects: ({ pending }) => redirects(readSignIn(pending).discovery),
    useCode: (visit) => this.#codes.begin(visit),
    plan: async (visit) => {
      const data = await this.#lookedAnew(visit);
      const { discovery, redirectUri, authorizeParams, loginHint, profile, pkceUnadvertised } = data;
      const { scopes } = dataOf(visit.pending).request;
      return {
        discovery,
        client: await this.#currentClient(visit, data),
        redirectUri,
        scopes: scopes.length > 0 ? scopes : undefined,
        extraAuthorizeParams: authorizeParams,
        loginHint,
        profile,
        privateNetwork: data.privateNetwork,
        [allowPkceUnadvertised]: pkceUnadvertised,
      };
    },
    show: async (visit, problem) => {
      const data = readSignIn(visit.pending);
      const { serverUrl, discovery, code, codeFailed } = data;
      const { host } = new URL(discovery.server.authorization_endpoint ?? discovery.issuer);
      const { say } = visit.pages;
      const resource = new URL(serverUrl).host;
      const text = say(redirects(discovery) ? 'consent.redirect' : 'consent.byCode', { resource, host });
      return consentPage(visit, {
        title: titleOf(data, say),
        text,
        host,
        problem: problem ?? (codeFailed === true ? { code: true } : undefined),
        redirects: redirects(discovery),
        code: code?.device ?? (offersDeviceCodes(discovery.server) ? 'to be had' : undefined),
      });
    },
    onStatedOtherwise: ({ issuer }, pending) =>
      this.#log({ option: 'allowIssuerMismatch', by: 'profile', issuer, server: readSignIn(pending).server }),
    onFailure: (pending) => this.forgetDiscovery(readSignIn(pending).serverUrl),
    onClientRefused: ({ client, what }, pending) => {
      if (what === 'scopes') return this.#registrations.scopesRefused(client, pending.createdAtMs);
      const registers = readSignIn(pending).discovery.server.registration_endpoint !== undefined;
      return this.#registrations.refused(client, pending.createdAtMs, registers);
    },
  });

  /** Asks after the code of a sign-in, where one was given out. */
  watch(watch: FlowWatch): Promise<void> {
    return this.#codes.watch(watch);
  }

  /** Where to be authorized, and for what. */
  async prepare(
    signIn: ServerSignIn,
    challenge: Challenge | undefined,
    scopes: readonly string[],
  ): Promise<Prepared> {
    const discovery = {
      ...(await this.#discover(signIn, challenge)),
      challengedScopes: challenge?.scope,
    };
    const profile = this.#profileFor(signIn, discovery);
    const initial = initialScopes({
      discovery,
      configured: signIn.scopes,
      profile,
      unattended: signIn.unattended,
    });
    return { discovery, profile, scopes: scopes.length === 0 ? initial : unionScopes(scopes, initial) };
  }

  /** The client that was registered by hand, where no person is needed. @throws {PosternError} as {@link Registrations.identify}. */
  identifyMachine(
    signIn: ServerSignIn,
    { discovery, profile }: Pick<Prepared, 'discovery' | 'profile'>,
    preregistered: PreregisteredClient,
  ): Promise<ClientIdentity> {
    const options = { discovery, profile, metadata: { clientName: 'MCP client' }, preregistered };
    return this.#registrations.identify(options, signIn.serverUrl, this.#httpFor(signIn));
  }

  /** Its issuer refuses a client. Returns whether another can take its place. */
  clientRefused(client: ClientIdentity): Promise<boolean> {
    return this.#registrations.refused(client);
  }

  /** A sign-in leads nowhere, as far as somebody says: whoever follows its link next goes out as a client that is new. */
  async startOver(pending: Pending<InteractionData>): Promise<void> {
    const { data } = signInData.safeParse(pending.data?.data);
    if (data === undefined) return;
    await this.forgetDiscovery(data.serverUrl);
    await this.#registrations.refused(
      data.client,
      undefined,
      data.discovery.server.registration_endpoint !== undefined,
    );
  }

  /** What is known of a server's authorization server may have changed: its token was refused, or a sign-in failed. */
  forgetDiscovery(serverUrl: string): Promise<void> {
    return this.#known.forget(serverUrl);
  }

  /** {@link #tryToBegin}; once more, where it failed with what was known from before. */
  async #begin(signIn: ServerSignIn, beginning: FlowBeginning): Promise<Omit<FlowStart, 'message'>> {
    const beganMs = performance.now();
    try {
      return await this.#tryToBegin(signIn, beginning);
    } catch (error) {
      const wasKnown = await this.#known.isOlder(signIn.serverUrl, beganMs);
      await this.forgetDiscovery(signIn.serverUrl);
      if (!wasKnown) throw error;
      return this.#tryToBegin(signIn, beginning);
    }
  }

  /** What the pending of a sign-in carries. What cannot work is said here, before a person gets a link. */
  async #tryToBegin(
    signIn: ServerSignIn,
    { cause, scopes, account, callbackUrl, gate, clock }: FlowBeginning,
  ): Promise<Omit<FlowStart, 'message'>> {
    const prepared = await this.prepare(signIn, cause as Challenge | undefined, scopes);
    const { discovery, profile, scopes: wanted } = prepared;
    const client = await this.#identify(signIn, { ...prepared, callbackUrl, gate });
    const { server, alias, serverUrl, authorizeParams } = signIn;
    const loginHint = signIn.loginHint ?? loginHintFor(discovery.issuer, account);
    const pkceUnadvertised = signIn[allowPkceUnadvertised] === true;
    const isByCodeAlone = !redirects(discovery) && offersDeviceCodes(discovery.server);
    if (!isByCodeAlone) {
      checkAttempt({
        discovery,
        client,
        redirectUri: callbackUrl,
        extraAuthorizeParams: authorizeParams,
        profile,
        [allowPkceUnadvertised]: pkceUnadvertised,
      });
    }
    if (!isByCodeAlone && isPkceUnadvertised(discovery)) {
      const by = profile.pkceUnadvertised === true ? 'profile' : 'option';
      this.#log({ option: 'allowPkceUnadvertised', by, issuer: discovery.issuer, server });
    }
    const data: SignInData = {
      server,
      ...(alias !== undefined && { alias }),
      serverUrl,
      discovery: trimDiscovery(discovery),
      client,
      clientName: signIn.clientName,
      redirectUri: callbackUrl,
      authorizeParams,
      loginHint,
      profile,
      pkceUnadvertised,
      ...(signIn[allowPrivateNetwork] === true && { privateNetwork: true }),
    };
    const code = isByCodeAlone
      ? await this.#codes.ask(data, wanted ?? [], clock)
      : await this.#firstCode(data, wanted ?? [], clock);
    return {
      data: { ...data, ...(code && { code, codes: 1, byCode: true }) },
      scopes: wanted ?? [],
      // Whoever has nothing but the code has as long as it lives.
      ttlMs: code && Math.max(1_000, code.device.expiresAtMs - clock()),
    };
  }

  /** A code in place of the link. Where it cannot be had, the link is there all the same. */
  async #firstCode(
    data: SignInData,
    scopes: readonly string[],
    clock: Clock,
  ): Promise<AskedAfter | undefined> {
    if (!offersDeviceCodes(data.discovery.server) || !(await this.#options.codesFirst())) return undefined;
    try {
      return await this.#codes.ask(data, scopes, clock);
    } catch (error) {
      const { logger } = this.#options.surroundings;
      logger.warn('no code could be had to sign in with', { code: findPosternError(error)?.code });
      return undefined;
    }
  }

  async #identify(
    signIn: ServerSignIn,
    at: Prepared & Pick<FlowBeginning, 'callbackUrl' | 'gate'>,
  ): Promise<ClientIdentity> {
    const { serverUrl, client } = signIn;
    const preregistered = typeof client === 'function' ? await client() : client;
    const options = {
      ...registrationOf({ ...signIn, ...at, redirectUri: at.callbackUrl }),
      preregistered,
      clientMetadataUrl: signIn.clientMetadataIsPrivate === true ? undefined : at.gate.clientMetadataUrl,
      anew: signIn.anew,
    };
    return this.#registrations.identify(options, serverUrl, this.#httpFor(signIn));
  }

  #currentClient({ pending, wasSentInVain }: FlowVisit, data: SignInData): Promise<ClientIdentity> {
    const { scopes } = dataOf(pending).request;
    const link = { createdAtMs: pending.createdAtMs, wasInVain: wasSentInVain };
    const options = registrationOf({ ...data, scopes });
    return this.#registrations.current(data.client, link, options, this.#httpOf(data));
  }

  /** Who has gone out and not come back may have met an endpoint that has moved since: the issuer is looked at again. */
  async #lookedAnew({ pending, wasSentInVain }: FlowVisit): Promise<SignInData> {
    const data = readSignIn(pending);
    if (!(await wasSentInVain())) return data;
    const { discovery } = data;
    try {
      const server = await discoverAuthorizationServer(discovery.issuer, this.#httpOf(data), {
        [allowIssuerMismatch]: discovery.server.issuer === discovery.issuer ? [] : [discovery.issuer],
      });
      return { ...data, discovery: trimDiscovery({ ...discovery, server }) };
    } catch {
      // The person may only have been slow, and the issuer have no metadata at all.
      return data;
    }
  }

  #discover(signIn: ServerSignIn, challenge: Challenge | undefined): Promise<Discovery> {
    const { serverUrl } = signIn;
    const allowed = signIn[allowIssuerMismatch];
    const statedIssuers = (issuer: string): readonly string[] =>
      this.#profileFor(signIn, { issuer }).statedIssuers ?? [];
    const variant = [
      challenge?.resourceMetadataUrl ?? '',
      challenge?.scheme === 'dpop',
      allowed,
      signIn[allowPrivateNetwork],
      signIn.profile?.statedIssuers,
    ];
    return this.#known.find(serverUrl, JSON.stringify(variant), async () => {
      const found = await discover(serverUrl, challenge, this.#httpFor(signIn), {
        statedIssuers,
        [allowIssuerMismatch]: allowed,
      });
      const { issuer, server } = found;
      if (!isSameIssuer(server.issuer, issuer)) {
        const by = statedIssuers(issuer).includes(server.issuer) ? 'profile' : 'option';
        this.#log({ option: 'allowIssuerMismatch', by, issuer, server: signIn.server });
      }
      return found;
    });
  }

  #profileFor({ serverUrl, profile }: ServerSignIn, { issuer, server }: ProfileSubject): IssuerProfile {
    return layered(profileOf({ issuer, server, serverUrl }, this.#options.profiles), profile ?? {});
  }

  #httpFor(signIn: ServerSignIn): OAuthHttp {
    return this.#options.httpFor(signIn.serverUrl, signIn[allowPrivateNetwork]);
  }

  #httpOf({ serverUrl, privateNetwork }: SignInData): OAuthHttp {
    return this.#options.httpFor(serverUrl, privateNetwork);
  }

  #log(exception: SecurityException): void {
    logException(this.#options.surroundings.logger, exception);
  }
}

/** Whether its person can be sent to consent; else they can only enter a code. */
function redirects({ server }: Pick<Discovery, 'server'>): boolean {
  return server.authorization_endpoint !== undefined;
}

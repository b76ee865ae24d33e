import { z, type ZodType } from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import { allowPkceUnadvertised, checkAttempt, isPkceUnadvertised } from '../../oauth/attempt.ts';
import type { Challenge } from '../../oauth/challenge.ts';
import { clientIdentitySchema, type ClientIdentity } from '../../oauth/client-identity.ts';
import {
  allowIssuerMismatch,
  discover,
  discoverAuthorizationServer,
  discoverySchema,
  type Discovery,
  type DiscoverOptions,
} from '../../oauth/discovery.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import { layered, profileOf, type ProfileSubject } from '../../oauth/profiles/find-profile.ts';
import {
  issuerProfileSchema,
  type IssuerProfile,
  type IssuerProfiles,
} from '../../oauth/profiles/issuer-profile.ts';
import type { IdentifyClientOptions, PreregisteredClient } from '../../oauth/registration.ts';
import { isSameIssuer } from '../../oauth/same-issuer.ts';
import { initialScopes, unionScopes } from '../../oauth/scopes.ts';
import { allowPrivateNetwork } from '../../oauth/url-policy.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { CredentialKind } from '../credential-kind.ts';
import type { Pending } from '../../pending/pending.ts';
import { dataOf, type Flow, type FlowBeginning, type FlowVisit, type InteractionData } from '../flow.ts';
import { logException, type SecurityException } from './exceptions.ts';
import { knownAt } from './known-at.ts';
import { consentPage, redirectVisit } from './redirect-visit.ts';
import { Registrations } from './registrations.ts';
import { trimDiscovery } from './trim-discovery.ts';

/** How one MCP server wants to be signed in to, as far as its host says so. */
export interface ServerSignIn {
  /** The name the host knows it by. */
  readonly server: string;
  /** Which of its person’s accounts there, where there are several. */
  readonly alias?: string | undefined;
  readonly serverUrl: string;
  readonly clientName?: string | undefined;
  readonly client?: PreregisteredClient | undefined;
  readonly clientMetadataIsPrivate?: boolean | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** Begins from nothing: a client that registered itself registers anew. */
  readonly anew?: boolean | undefined;
  readonly [allowPkceUnadvertised]?: boolean | undefined;
  readonly [allowIssuerMismatch]?: DiscoverOptions[typeof allowIssuerMismatch];
  readonly [allowPrivateNetwork]?: boolean | undefined;
}

/** Where to be authorized, how, and for what. */
interface Prepared {
  readonly discovery: Discovery;
  readonly profile: IssuerProfile;
  readonly scopes: readonly string[] | undefined;
}

/** Everything needed to carry a sign-in through the browser, in whichever process. Sealed inside its pending. */
interface SignInData {
  readonly server: string;
  readonly alias?: string | undefined;
  readonly serverUrl: string;
  readonly discovery: Discovery;
  readonly client: ClientIdentity;
  readonly clientName?: string | undefined;
  readonly redirectUri: string;
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile: IssuerProfile;
  /** The operator has allowed a server that does not advertise PKCE. */
  readonly pkceUnadvertised: boolean;
  /** The operator has allowed endpoints in a private network. */
  readonly privateNetwork?: boolean | undefined;
}

const signInData: ZodType<SignInData> = z.looseObject({
  server: z.string(),
  alias: z.string().optional(),
  serverUrl: z.string(),
  discovery: discoverySchema,
  client: clientIdentitySchema,
  clientName: z.string().optional(),
  redirectUri: z.string(),
  authorizeParams: z.record(z.string(), z.string()).optional(),
  loginHint: z.string().optional(),
  profile: issuerProfileSchema,
  pkceUnadvertised: z.boolean(),
  privateNetwork: z.boolean().optional(),
});

const discoveryTtlMs = 10 * 60_000;

export interface ServerSignInsOptions {
  readonly surroundings: Surroundings;
  readonly leaseMs: number;
  /** Requests to the authorization servers that one MCP server names. */
  readonly httpFor: (serverUrl: string, privateNetwork: boolean | undefined) => OAuthHttp;
  /** Laid over what is known of issuers. */
  readonly profiles?: IssuerProfiles | undefined;
  readonly credential: CredentialKind<Grant>;
}

/** Signing in to MCP servers: where they say, as which client, for which scopes. */
export class ServerSignIns {
  readonly #options: ServerSignInsOptions;
  readonly #registrations: Registrations;
  readonly #discoveries = new Map<string, { atMs: number; found: Promise<Discovery> }>();

  constructor(options: ServerSignInsOptions) {
    this.#options = options;
    this.#registrations = new Registrations(options.surroundings, options.leaseMs);
  }

  /** The authorization code flow with PKCE, to one server. Any other's carries it on. */
  flowTo(signIn: ServerSignIn): Flow<Grant> {
    return {
      kind: 'oauth_redirect',
      credential: this.#options.credential,
      // Each attempt asks for what is wanted by then, and remembers what that was.
      widens: true,
      begin: async (beginning) => {
        const data = await this.#begin(signIn, beginning);
        return {
          ...data,
          message: titleOf(signIn),
        };
      },
      visit: this.visit,
    };
  }

  readonly visit: (visit: FlowVisit) => Promise<Response> = redirectVisit({
    http: (visit) => this.#httpOf(readData(visit.pending)),
    goesStraightOn: true,
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
    show: async (visit) => {
      const data = readData(visit.pending);
      const { serverUrl, discovery } = data;
      const { host } = new URL(discovery.server.authorization_endpoint ?? discovery.issuer);
      const text = `Your account at ${new URL(serverUrl).host} is asked for. You will be sent to ${host} to consent. Go on only if you have just asked for this yourself.`;
      const { scopes } = dataOf(visit.pending).request;
      return consentPage(visit, { title: titleOf(data), text, scopes });
    },
    onStatedOtherwise: ({ issuer }, pending) =>
      this.#log({ option: 'allowIssuerMismatch', by: 'profile', issuer, server: readData(pending).server }),
    onFailure: (pending) => this.forgetDiscovery(readData(pending).serverUrl),
    onClientRefused: ({ client, what }, pending) => {
      if (what === 'scopes') return this.#registrations.scopesRefused(client, pending.createdAtMs);
      const registers = readData(pending).discovery.server.registration_endpoint !== undefined;
      return this.#registrations.refused(client, pending.createdAtMs, registers);
    },
  });

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
    const initial = initialScopes({ discovery, configured: signIn.scopes, profile });
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
    this.forgetDiscovery(data.serverUrl);
    await this.#registrations.refused(
      data.client,
      undefined,
      data.discovery.server.registration_endpoint !== undefined,
    );
  }

  /**
   * What is known of a server's authorization server may have changed: its token was refused, or a sign-in failed. Returns
   * whether anything was known.
   */
  forgetDiscovery(serverUrl: string): boolean {
    const known = [...this.#discoveries.keys()].filter((key) => key.startsWith(`${serverUrl} `));
    for (const key of known) this.#discoveries.delete(key);
    return known.length > 0;
  }

  /** {@link #tryToBegin}; once more, where it failed with what was known from before. */
  async #begin(
    signIn: ServerSignIn,
    beginning: FlowBeginning,
  ): Promise<{ data: SignInData; scopes: readonly string[] }> {
    const wasKnown = this.#isKnown(signIn.serverUrl);
    try {
      return await this.#tryToBegin(signIn, beginning);
    } catch (error) {
      this.forgetDiscovery(signIn.serverUrl);
      if (!wasKnown) throw error;
      return this.#tryToBegin(signIn, beginning);
    }
  }

  #isKnown(serverUrl: string): boolean {
    return [...this.#discoveries.keys()].some((key) => key.startsWith(`${serverUrl} `));
  }

  /** What the pending of a sign-in carries. What cannot work is said here, before a person gets a link. */
  async #tryToBegin(
    signIn: ServerSignIn,
    { cause, scopes, account, callbackUrl, gate }: FlowBeginning,
  ): Promise<{ data: SignInData; scopes: readonly string[] }> {
    const prepared = await this.prepare(signIn, cause as Challenge | undefined, scopes);
    const { discovery, profile, scopes: wanted } = prepared;
    const client = await this.#identify(signIn, { ...prepared, callbackUrl, gate });
    const { server, alias, serverUrl, authorizeParams } = signIn;
    const loginHint = signIn.loginHint ?? knownAt(discovery.issuer, account).loginHint;
    const pkceUnadvertised = signIn[allowPkceUnadvertised] === true;
    checkAttempt({
      discovery,
      client,
      redirectUri: callbackUrl,
      extraAuthorizeParams: authorizeParams,
      profile,
      [allowPkceUnadvertised]: pkceUnadvertised,
    });
    if (isPkceUnadvertised(discovery)) {
      const by = profile.pkceUnadvertised === true ? 'profile' : 'option';
      this.#log({ option: 'allowPkceUnadvertised', by, issuer: discovery.issuer, server });
    }
    const data = {
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
    return { data, scopes: wanted ?? [] };
  }

  #identify(
    signIn: ServerSignIn,
    at: Prepared & Pick<FlowBeginning, 'callbackUrl' | 'gate'>,
  ): Promise<ClientIdentity> {
    const { serverUrl, client: preregistered } = signIn;
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
    const data = readData(pending);
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
    const exceptions = JSON.stringify([allowed, signIn[allowPrivateNetwork], signIn.profile?.statedIssuers]);
    const key = `${serverUrl} ${challenge?.resourceMetadataUrl ?? ''} ${exceptions}`;
    const now = performance.now();
    const cached = this.#discoveries.get(key);
    if (cached !== undefined && now - cached.atMs < discoveryTtlMs) return cached.found;
    const statedIssuers = (issuer: string): readonly string[] =>
      this.#profileFor(signIn, { issuer }).statedIssuers ?? [];
    const found = discover(serverUrl, challenge, this.#httpFor(signIn), {
      statedIssuers,
      [allowIssuerMismatch]: allowed,
    });
    this.#discoveries.set(key, { atMs: now, found });
    found.then(
      ({ issuer, server }) => {
        if (isSameIssuer(server.issuer, issuer)) return;
        const by = statedIssuers(issuer).includes(server.issuer) ? 'profile' : 'option';
        this.#log({ option: 'allowIssuerMismatch', by, issuer, server: signIn.server });
      },
      () => this.#discoveries.delete(key),
    );
    return found;
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

/** What the person is asked for, in a few words. */
function titleOf({ server, alias }: Pick<ServerSignIn, 'server' | 'alias'>): string {
  return `Sign in to ${server}${alias === undefined ? '' : ` (${alias})`}`;
}

function readData(pending: Pending<InteractionData>): SignInData {
  const { success, data } = signInData.safeParse(dataOf(pending).data);
  if (success) return data;
  throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a sign-in does not hold what it was begun with');
}

/** What a client registers itself with. */
function registrationOf(
  from: Pick<SignInData, 'server' | 'clientName' | 'discovery' | 'redirectUri' | 'profile'> & {
    readonly scopes: readonly string[] | undefined;
  },
): Omit<IdentifyClientOptions, 'stored'> {
  const { server, clientName = `MCP client (${server})`, discovery, redirectUri, profile, scopes } = from;
  return { discovery, redirectUri, metadata: { clientName }, profile, scopes };
}

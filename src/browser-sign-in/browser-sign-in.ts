import type { JWK } from 'jose';
import { encodeBase64Url } from '../core/base64url.ts';
import { checkDurations } from '../core/check-durations.ts';
import type { Clock } from '../core/clock.ts';
import { describeGiven } from '../core/describe-given.ts';
import { failureFields } from '../core/failure-fields.ts';
import type { FetchLike } from '../core/fetch-like.ts';
import { levelOfEnd } from '../core/level-of-end.ts';
import type { Logger } from '../core/logger.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { hashUnremembered, randomId, type RandomBytes } from '../core/random.ts';
import { assertStorage } from '../interaction/assert-storage.ts';
import { Pages, seePage } from '../interaction/pages/pages.ts';
import { claimsIdentity, type IdentifyBy } from '../namespace/claims-identity.ts';
import type { TokenEndpointAuthMethod } from '../oauth/client-identity.ts';
import type { IssuerProfiles } from '../oauth/profiles/issuer-profile.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { createSurroundings } from '../sync/surroundings.ts';
import { FormRefusedError, readForm } from '../web/form-request.ts';
import { html } from '../web/html.ts';
import { lookOf, type Appearance } from '../web/look.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import type { Person } from '../web/verify-user.ts';
import { HostCookie } from '../web/host-cookie.ts';
import { IdentityProvider } from './identity-provider.ts';
import { ownAddress } from './own-address.ts';
import { PersonSessions, type SignedInPerson } from './person-sessions.ts';
import { SignInTrips } from './sign-in-trips.ts';

export interface BrowserSignInOptions {
  /** The issuer that the tokens of calls come from: an OpenID provider. Exactly as `verifiedClaims` has it. */
  readonly issuer: string;
  /** This application there. Its redirect URI is `<publicUrl>/callback`. */
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** In place of a secret. */
  readonly privateKeyJwk?: JWK | undefined;
  /** Default: what fits the secret or key, among what the issuer supports. */
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod | undefined;
  /** Where `fetch` is reachable for browsers, path included: `https://app.example/sign-in`. */
  readonly publicUrl: string;
  /** Who is signed in: shared by all processes, and sealed. */
  readonly storage: StorageBackend;
  /** What tells two people apart, as in `verifiedClaims`. Default `subject`. */
  readonly identifyBy?: IdentifyBy | undefined;
  /** What `verifyUser` answers for somebody. Default: the id of the namespace that `verifiedClaims` gives their tokens. */
  readonly idOf?: ((claims: Readonly<Record<string, unknown>>) => string | Promise<string>) | undefined;
  /** Default `openid`; with `email` where `identifyBy` wants it. */
  readonly scopes?: readonly string[] | undefined;
  /** Sent along to the issuer, such as `{ prompt: 'select_account' }`. */
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  /** How issuers differ from the standard. As of a coordinator. */
  readonly profiles?: IssuerProfiles | undefined;
  /** How long somebody stays signed in here. Then the issuer is asked again, which may go without a page. Default 8 hours. */
  readonly sessionMs?: number | undefined;
  /** Where the issuer leads back to after a logout, registered there as a post-logout redirect URI. */
  readonly signedOutUrl?: string | undefined;
  /** How its own pages look and speak. */
  readonly appearance?: Appearance | undefined;
  readonly fetch?: FetchLike | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
}

/** Who is at a browser. */
export interface BrowserSignIn {
  /**
   * For `verifyUser` of `Oob`, a coordinator or a `ClientManager`: who it is, or the way to the issuer and back here. A form, or
   * whatever else is no GET, cannot come along: it is answered by a page that says so, with a link to sign in.
   */
  readonly verifyUser: (request: Request) => Promise<Person | Response>;
  /** Answers `<publicUrl>/start?returnTo=…`, `/callback` and `/out`. A property, so that it can be handed to a framework as it is. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Who is signed in, for pages of your own. Sends nobody anywhere. */
  readonly findPerson: (request: Request) => Promise<SignedInPerson | undefined>;
}

/** How long a person has at the issuer. */
const tripMs = 10 * 60_000;

/**
 * Signs browsers in with the issuer that the tokens come from: OpenID Connect, by a code with PKCE, `state` and `nonce`.
 *
 * Any process answers any step, without sticky sessions: on the way to the issuer and back everything is in `state`, sealed;
 * afterwards a random cookie names a session in `storage`. Nothing is stored for who has not signed in.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when an option is missing or cannot work.
 * @example
 * const signIn = browserSignIn({ issuer, clientId, clientSecret, storage, publicUrl: 'https://app.example/sign-in' });
 * app.all('/sign-in/*', (context) => signIn.fetch(context.req.raw));
 * const oob = new Oob({ storage, namespaces, publicUrl: 'https://app.example/oob', verifyUser: signIn.verifyUser });
 */
export function browserSignIn(options: BrowserSignInOptions): BrowserSignIn {
  checkOptions(options);
  const { issuer, identifyBy = 'subject', sessionMs = 8 * 60 * 60_000, signedOutUrl } = options;
  const { idOf = (claims: Readonly<Record<string, unknown>>) => claimsIdentity(issuer, claims, identifyBy) } =
    options;
  const surroundings = createSurroundings(options);
  const { random, logger, now } = surroundings;
  const baseUrl = checkPublicUrl(options.publicUrl, 'publicUrl', 'browserSignIn');
  const { origin, pathname: mount } = new URL(baseUrl);
  const provider = new IdentityProvider(
    {
      issuer,
      client: options,
      redirectUri: `${baseUrl}/callback`,
      scopes: options.scopes ?? (identifyBy === 'subject' ? ['openid'] : ['openid', 'email']),
      authorizeParams: options.authorizeParams ?? {},
      profiles: options.profiles,
    },
    surroundings,
  );
  const look = lookOf(options.appearance, new URL(baseUrl).host);
  let made: Promise<Parts> | undefined;
  const parts = (): Promise<Parts> => (made ??= createParts(options, baseUrl, { random, logger }));

  const findPerson = async (request: Request): Promise<SignedInPerson | undefined> => {
    const { personCookie, sessions } = await parts();
    const cookie = personCookie.read(request);
    return cookie === undefined ? undefined : sessions.find(cookie);
  };

  const sendOut = async (request: Request, returnTo: string): Promise<Response> => {
    const { browserCookie, trips } = await parts();
    // The one it has, if any: a person may follow two links in two tabs.
    const browser = browserCookie.read(request) ?? randomId(random);
    const secrets = { codeVerifier: encodeBase64Url(random(32)), nonce: randomId(random) };
    const expiresAtMs = (await now()) + tripMs;
    const state = await trips.seal({
      ...secrets,
      browser: await hashUnremembered(browser),
      returnTo,
      expiresAtMs,
    });
    return redirect(await provider.startUrl(state, secrets), browserCookie.set(browser, tripMs));
  };

  const takeBack = async (request: Request, pages: Pages): Promise<Response> => {
    const { browserCookie, personCookie, sessions, trips } = await parts();
    const { searchParams } = new URL(request.url);
    const [state, ...others] = searchParams.getAll('state');
    const trip = state === undefined || others.length > 0 ? undefined : await trips.open(state);
    if (state === undefined || trip === undefined) return pages.failure('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    const retry = startUrl(trip.returnTo);
    const nowMs = await now();
    if (trip.expiresAtMs <= nowMs) return pages.failure('ERR_POSTERN_AUTH_STATE_UNKNOWN', { retry });
    const browser = browserCookie.read(request);
    if (browser === undefined || (await hashUnremembered(browser)) !== trip.browser) {
      logger.warn('a browser came back from the issuer that was not sent there', { issuer });
      return pages.failure('ERR_POSTERN_AUTH_BROWSER_MISMATCH', { retry });
    }
    try {
      const claims = await provider.whoCameBack(searchParams, trip);
      const id: unknown = await idOf(claims);
      if (typeof id !== 'string' || id === '') throw namesNobody();
      const cookie = await sessions.begin(
        { id, ...accountOf(claims) },
        {
          state,
          before: personCookie.read(request),
          expiresAtMs: nowMs + sessionMs,
          usedUntilMs: trip.expiresAtMs,
        },
      );
      if (cookie === undefined) return pages.failure('ERR_POSTERN_AUTH_STATE_USED', { retry });
      return redirect(trip.returnTo, personCookie.set(cookie, sessionMs));
    } catch (error) {
      const known = findPosternError(error);
      if (known === undefined) throw error;
      const { code, message: reason, hint } = known;
      logger[levelOfEnd(code, 'warn')]('a sign-in of a browser came to nothing', {
        issuer,
        code,
        reason,
        hint,
      });
      return pages.failure(code, { retry, isRegisteredByHand: true });
    }
  };

  const signOut = async (request: Request, pages: Pages): Promise<Response> => {
    const { personCookie, sessions } = await parts();
    if (request.method !== 'POST') return signOutPage(pages, (await findPerson(request))?.account);
    await readForm(request, origin);
    const cookie = personCookie.read(request);
    if (cookie !== undefined) await sessions.end(cookie);
    // Who is out here must be, also where the issuer does not answer.
    const away = await provider.signOutUrl(signedOutUrl).catch(() => undefined);
    const target = away ?? signedOutUrl;
    const answer = await (target === undefined
      ? pages.done(pages.say('signOut.doneTitle'), pages.say('signOut.doneText'))
      : pages.departure(target));
    answer.headers.append('set-cookie', personCookie.clear());
    return answer;
  };

  const startUrl = (returnTo: string): string =>
    `${baseUrl}/start?${new URLSearchParams({ returnTo }).toString()}`;

  const answer = async (request: Request, pages: Pages): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    // A framework may have cut off where it is mounted.
    switch (pathname.startsWith(`${mount}/`) ? pathname.slice(mount.length) : pathname) {
      case '/start': {
        const returnTo = ownAddress(searchParams.get('returnTo') ?? '/', origin);
        return sendOut(request, returnTo ?? `${origin}/`);
      }
      case '/callback':
        return takeBack(request, pages);
      case '/out':
        return signOut(request, pages);
      default:
        return pages.missing();
    }
  };

  return {
    findPerson,
    async verifyUser(request) {
      const person = await findPerson(request);
      if (person !== undefined) return { id: person.id, name: person.account };
      const { pathname, search } = new URL(request.url);
      const here = ownAddress(`${origin}${pathname}${search}`, origin) ?? `${origin}/`;
      if (request.method === 'GET' || request.method === 'HEAD') return sendOut(request, here);
      // No way leads through the issuer for what was sent. Silently gone it would be taken for done.
      const form = request.headers.get('referer');
      const cameFrom = form === null ? undefined : ownAddress(form, origin);
      return Pages.for(look, request).signInAgain(startUrl(cameFrom ?? here));
    },
    fetch: (request) => {
      const pages = Pages.for(look, request);
      return answer(request, pages).catch((error: unknown) => {
        logger.error('a page of the sign-in was not answered', { issuer, ...failureFields(error) });
        if (error instanceof FormRefusedError) return pages.failure(error.code, { status: error.status });
        const code = findPosternError(error)?.code ?? 'ERR_POSTERN_AUTH_UNVERIFIED';
        return pages.failure(code, { isRegisteredByHand: true });
      });
    },
  };
}

interface Parts {
  readonly browserCookie: HostCookie;
  readonly personCookie: HostCookie;
  readonly sessions: PersonSessions;
  readonly trips: SignInTrips;
}

/** Under names of their own: browsers share cookies between the ports of a host, and several sign-ins may share a store. */
async function createParts(
  { issuer, clientId, storage: backend }: BrowserSignInOptions,
  baseUrl: string,
  surroundings: { random: RandomBytes; logger: Logger },
): Promise<Parts> {
  const scope = await hashUnremembered(JSON.stringify([issuer, clientId, baseUrl]));
  const storage = new NamespacedStorage(backend, ['app', 'browser-sign-in', scope]);
  const cookie = (name: string): HostCookie =>
    new HostCookie(`postern-${name}-${scope.slice(0, 12)}`, baseUrl.startsWith('https:'));
  return {
    browserCookie: cookie('browser'),
    personCookie: cookie('person'),
    sessions: new PersonSessions(storage, surroundings),
    trips: new SignInTrips(storage, surroundings.logger),
  };
}

function checkOptions(options: BrowserSignInOptions): void {
  for (const name of ['issuer', 'clientId', 'publicUrl'] as const) {
    const given: unknown = options?.[name];
    if (typeof given === 'string' && given !== '') continue;
    const what = `browserSignIn needs ${JSON.stringify(name)}, which is ${describeGiven(given)}`;
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', what, {
      hint: 'Is the variable set that it comes from? Register this application with the issuer; its redirect URI is <publicUrl>/callback.',
    });
  }
  assertStorage(options.storage);
  checkDurations({ sessionMs: options.sessionMs });
}

/** What people call their account. An issuer that tells no name tells at least what it calls them itself. */
function accountOf({ email, preferred_username: username, name: full, sub }: Record<string, unknown>): {
  account?: string;
} {
  const account = [email, username, full, sub].find(
    (name) => typeof name === 'string' && name !== '' && name.length <= 254 && !/\p{C}/u.test(name),
  );
  return typeof account === 'string' ? { account } : {};
}

function redirect(location: string, cookie: string): Response {
  const response = seePage(location);
  response.headers.append('set-cookie', cookie);
  return response;
}

function signOutPage(pages: Pages, account: string | undefined): Promise<Response> {
  const { say } = pages;
  return pages.form(200, {
    title: say('signOut.title'),
    text: account === undefined ? say('signOut.text') : say('signOut.textAs', { account }),
    body: html`<form method="post">
      <div class="row"><button name="form-action" value="out">${say('action.signOut')}</button></div>
    </form>`,
  });
}

function namesNobody(): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', '"idOf" must answer the id of a user', {
    hint: 'Answer with what identifies them for good, such as the claim "sub".',
  });
}

import { onTestFinished } from 'vitest';
import type { OpenOptions } from '../../demo/browser.ts';
import {
  allowPrivateNetwork,
  createOAuthHttp,
  type CreateAttemptOptions,
  type OAuthHttp,
} from '../../src/oauth/index.ts';
import {
  Oob,
  findInteractionRequired,
  oauthRedirect,
  type CredentialRequest,
  type Interaction,
  type NamedFlow,
  type OAuthCredential,
  type OobOptions,
  type Principal,
} from '../../src/oob/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { userOf } from './page-host.ts';
import { openSurroundings, type Surroundings } from './surroundings.ts';
import type { CookieBrowser, Page } from './cookie-browser.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServerOptions,
} from './programmable-authorization-server.ts';
import { namespaces } from './process-world.ts';

/** A server with pages, a third party, and people, all on real sockets. */
export interface FlowStage extends Surroundings {
  readonly as: ProgrammableAuthorizationServer;
  readonly http: OAuthHttp;
  /** The first of the processes; they share the store and the address. */
  readonly oob: Oob;
  readonly oobs: readonly Oob[];
  principal(user: string): Promise<Principal>;
  /** The link that asking without waiting gives. */
  linkOf(user: string, flow: NamedFlow, more?: Partial<CredentialRequest<unknown>>): Promise<Interaction>;
}

export async function openFlowStage(
  options: {
    as?: ProgrammableAuthorizationServerOptions;
    oob?: Partial<OobOptions>;
    processes?: number;
    store?: StorageBackend | undefined;
  } = {},
): Promise<FlowStage> {
  const as = await startProgrammableAuthorizationServer(options.as);
  onTestFinished(() => as.close());
  const { store } = options;
  const { host, time, logger, storage } = await openSurroundings(store && (() => store));
  const oobs = Array.from({ length: options.processes ?? 1 }, () => {
    const oob = new Oob({
      storage,
      namespaces,
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      clock: time.clock,
      logger,
      ...options.oob,
    });
    host.handlers.push(oob.fetch);
    onTestFinished(() => oob.close());
    return oob;
  });
  const [oob] = oobs;
  if (oob === undefined) throw new RangeError('a stage needs a process');
  const principal = (user: string): Promise<Principal> => oob.principal({ token: user });
  return {
    as,
    host,
    storage,
    time,
    logger,
    http: createOAuthHttp({ [allowPrivateNetwork]: true, clock: time.clock, timeoutMs: 3_000 }),
    oob,
    oobs,
    principal,
    linkOf: async (user, flow, more) => {
      const request = { resource: 'calendar.example', flow, ...more };
      const error = await oob.credentials
        .acquire(await principal(user), request)
        .catch((reason: unknown) => reason);
      const required = findInteractionRequired(error);
      if (required === undefined) throw new Error('no interaction was asked for', { cause: error });
      return required.interaction;
    },
  };
}

/** Where a flow of the programmable server goes, as a client it knows already. */
export function planFor(
  as: ProgrammableAuthorizationServer,
  redirectUri: string,
): Omit<CreateAttemptOptions, 'redirectUri' | 'state'> {
  return {
    discovery: {
      issuer: as.issuer,
      resource: as.resource,
      legacyEndpoints: false,
      dpopRequired: false,
      server: {
        issuer: as.issuer,
        authorization_endpoint: `${as.issuer}/authorize`,
        token_endpoint: `${as.issuer}/token`,
        revocation_endpoint: `${as.issuer}/revoke`,
        device_authorization_endpoint: `${as.issuer}/device`,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      },
    },
    client: {
      issuer: as.issuer,
      clientId: 'postern-test',
      tokenEndpointAuthMethod: 'none',
      source: 'preregistered',
      redirectUris: [redirectUri],
    },
  };
}

/** The consent flow of the stage's third party, under the same name in every process. */
export function redirectFlow(stage: FlowStage): NamedFlow<OAuthCredential> {
  const flow = oauthRedirect({
    http: stage.http,
    authorize: ({ scopes, redirectUri }) => ({ ...planFor(stage.as, redirectUri), scopes }),
  });
  const [named] = stage.oobs.map((oob) => oob.flow('consent', flow));
  if (named === undefined) throw new RangeError('a stage needs a process');
  return named;
}

/** Opens the link, presses "Continue", and goes on as the page in between says. */
export async function consent(browser: CookieBrowser, link: string, options?: OpenOptions): Promise<Page> {
  await browser.open(link);
  return browser.open(departureOf(await browser.submit({}, 'continue')), options);
}

/** Goes as far as the callback, which is not asked for. Returns its URL. */
export async function callbackOf(browser: CookieBrowser, link: string): Promise<URL> {
  const page = await consent(browser, link, { stopBefore: ({ pathname }) => pathname.endsWith('/callback') });
  return new URL(page.url);
}

/** Where a page sends the browser on to without a form. */
export function departureOf(page: Page): string {
  const found = /http-equiv="refresh" content="0;url=([^"]*)"/u.exec(page.html)?.[1];
  if (found === undefined) throw new Error(`the page of status ${page.status} sends nobody on`);
  return found.replaceAll('&amp;', '&');
}

/** What a page says in its title. */
export function titleOf(page: { html: string }): string | undefined {
  return /<title>([^<]*)<\/title>/u.exec(page.html)?.[1];
}

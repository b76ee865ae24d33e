/**
 * A stand-in for a code-hosting service on 127.0.0.1, with what makes the real ones hard: errors inside a 200,
 * form-encoded replies, `slow_down`, and organisations behind single sign-on.
 */
import { randomBytes } from 'node:crypto';
import { openListener } from '../../demo/open-listener.ts';
import { DeviceSignIns } from './stand-in-devices.ts';
import { answerPage } from './stand-in-pages.ts';

export interface StandInOptions {
  readonly port?: number | undefined;
  /** Accounts, by login. Default: two of Alice's and one of Bob's. */
  readonly accounts?: readonly string[] | undefined;
  /** How often a device may poll. Default 1. */
  readonly intervalSeconds?: number | undefined;
}

export interface Issue {
  readonly repository: string;
  readonly title: string;
  readonly author: string;
}

export interface StandIn extends AsyncDisposable {
  readonly origin: string;
  readonly issues: readonly Issue[];
  /** Every token that was ever issued, for those who look for leaks. */
  readonly tokens: readonly string[];
  readonly counters: Readonly<Record<'device' | 'polls' | 'slowDowns' | 'api', number>>;
  /** The next poll is too early, whenever it comes. */
  slowDownOnce(): void;
  /** Whether the API answers at all. */
  setDown(down: boolean): void;
  revoke(token: string): void;
}

/** The organisation whose repositories want single sign-on. */
export const guardedOrganisation = 'acme';

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { accounts = ['alice-work', 'alice-home', 'bob-dev'], intervalSeconds = 1 } = options;
  const listener = await openListener({ port: options.port });
  const { origin } = listener;
  const state = new StandInState(accounts);
  const devices = new DeviceSignIns({
    origin,
    intervalSeconds,
    issueToken: (login) => state.issueToken('gho', login),
  });
  let isDown = false;

  listener.serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/login/device/code') return devices.begin(request);
    if (pathname === '/login/oauth/access_token') return devices.poll(request);
    const page = await answerPage(request, { accounts, state, devices });
    if (page !== undefined) return page;
    if (isDown) return Response.json({ message: 'Service Unavailable' }, { status: 503 });
    state.apiCalls++;
    return answerApi(request, state, origin);
  });
  return {
    origin,
    issues: state.issues,
    get tokens() {
      return [...state.owners.keys()];
    },
    get counters() {
      return { ...devices.counters, api: state.apiCalls };
    },
    slowDownOnce: () => devices.slowDownOnce(),
    setDown(down) {
      isDown = down;
    },
    revoke: (token) => void state.revoked.add(token),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Accounts, tokens and issues. */
export class StandInState {
  readonly accounts: readonly string[];
  readonly owners: Map<string, string> = new Map();
  readonly revoked: Set<string> = new Set();
  /** Accounts whose tokens have been through single sign-on. */
  readonly signedOn: Set<string> = new Set();
  readonly issues: Issue[] = [];
  apiCalls = 0;

  constructor(accounts: readonly string[]) {
    this.accounts = accounts;
  }

  /** @param kind `gho` for a device's token, `ghp` for one a person makes. */
  issueToken(kind: 'gho' | 'ghp', login: string): string {
    const token = `${kind}_${randomBytes(24).toString('hex')}`;
    this.owners.set(token, login);
    return token;
  }

  ownerOf(request: Request): string | undefined {
    const token = /^(?:bearer|token) (?<token>\S+)$/iu.exec(request.headers.get('authorization') ?? '')
      ?.groups?.['token'];
    return token === undefined || this.revoked.has(token) ? undefined : this.owners.get(token);
  }
}

async function answerApi(request: Request, state: StandInState, origin: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  const login = state.ownerOf(request);
  if (login === undefined) return Response.json({ message: 'Bad credentials' }, { status: 401 });
  const signedOn = state.signedOn.has(login);
  if (pathname === '/user') return Response.json({ login, type: 'User' });
  if (pathname === '/user/repos') {
    const own = [`${login}/notes`, `${login}/website`];
    // What is hidden is left out with a 200; only a header tells.
    if (!signedOn)
      return Response.json(own.map(repositoryOf), {
        headers: { 'x-github-sso': 'partial-results; organizations=21955855' },
      });
    return Response.json([...own, `${guardedOrganisation}/rockets`].map(repositoryOf));
  }
  const [, owner, name] = /^\/repos\/([\w.-]+)\/([\w.-]+)\/issues$/u.exec(pathname) ?? [];
  if (owner === undefined || request.method !== 'POST')
    return Response.json({ message: 'Not Found' }, { status: 404 });
  if (owner === guardedOrganisation && !signedOn) {
    const link = `${origin}/orgs/${owner}/sso?authorization_request=${randomBytes(16).toString('hex')}`;
    return Response.json(
      { message: 'Resource protected by organization SAML enforcement.' },
      { status: 403, headers: { 'x-github-sso': `required; url=${link}` } },
    );
  }
  if (owner !== login && owner !== guardedOrganisation)
    return Response.json({ message: 'Not Found' }, { status: 404 });
  const { title } = (await request.json()) as { title?: unknown };
  if (typeof title !== 'string' || title === '')
    return Response.json({ message: 'Validation Failed' }, { status: 422 });
  state.issues.push({ repository: `${owner}/${name}`, title, author: login });
  return Response.json({ number: state.issues.length, title }, { status: 201 });
}

function repositoryOf(fullName: string): { full_name: string; private: boolean } {
  return { full_name: fullName, private: true };
}

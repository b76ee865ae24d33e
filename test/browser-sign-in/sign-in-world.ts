import { onTestFinished } from 'vitest';
import { createCookieBrowser, type CookieBrowser, type Page } from '../../demo/browser.ts';
import { openListener } from '../../demo/open-listener.ts';
import {
  browserSignIn,
  type BrowserSignIn,
  type BrowserSignInOptions,
} from '../../src/browser-sign-in/index.ts';
import { MemoryBackend } from '../../src/index.ts';
import { startOidcPeer, type OidcPeer } from '../support/oidc-peer.ts';
import { createRecordingLogger, type RecordingLogger } from '../support/recording-logger.ts';
import { createSteppedClock, type SteppedClock } from '../support/stepped-clock.ts';

export const clientId = 'the-app';

/** An application with a page for people it knows, an OpenID provider that knows them, and their browsers. */
export interface SignInWorld {
  readonly origin: string;
  readonly issuer: string;
  readonly peer: OidcPeer;
  readonly storage: MemoryBackend;
  readonly clock: SteppedClock;
  readonly logger: RecordingLogger;
  readonly options: BrowserSignInOptions;
  /** Another process of the application. */
  another(more?: Partial<BrowserSignInOptions>): BrowserSignIn;
  /** What answers requests from now on, in turn. */
  run(...processes: BrowserSignIn[]): void;
  /** Has what lies below a path answered by something else. */
  mount(path: string, answer: (request: Request) => Promise<Response>): void;
  openBrowser(): CookieBrowser;
  /** Goes to the page, and signs in on the way. */
  visit(
    browser: CookieBrowser,
    user: string,
    options?: { stopBefore?: (url: URL) => boolean },
  ): Promise<Page>;
}

export const isCallback = ({ pathname }: URL): boolean => pathname === '/sign-in/callback';

export async function openSignInWorld(given: Partial<BrowserSignInOptions> = {}): Promise<SignInWorld> {
  const listener = await openListener();
  onTestFinished(() => listener.close());
  const { origin } = listener;
  const publicUrl = `${origin}/sign-in`;
  const peer = await startOidcPeer({
    clients: [
      {
        client_id: clientId,
        client_secret: 'a secret of the application, long enough',
        redirect_uris: [`${publicUrl}/callback`],
        post_logout_redirect_uris: [`${origin}/bye`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
  });
  const issuer = new URL(peer.url).origin;
  const clock = createSteppedClock();
  const storage = new MemoryBackend(clock);
  const logger = createRecordingLogger();
  const options: BrowserSignInOptions = {
    issuer,
    clientId,
    clientSecret: 'a secret of the application, long enough',
    publicUrl,
    storage,
    logger,
    clock: clock.clock,
    ...given,
  };
  let processes: BrowserSignIn[] = [];
  let requests = 0;
  const mounted = new Map<string, (request: Request) => Promise<Response>>();
  listener.serve(async (request) => {
    for (const [path, answer] of mounted) {
      if (new URL(request.url).pathname.startsWith(path)) return answer(request);
    }
    const signIn = processes[requests++ % processes.length] as BrowserSignIn;
    if (new URL(request.url).pathname.startsWith('/sign-in/')) return signIn.fetch(request);
    const who = await signIn.verifyUser(request);
    return who instanceof Response ? who : new Response(`this is ${who.id}`);
  });
  const world: SignInWorld = {
    origin,
    issuer,
    peer,
    storage,
    clock,
    logger,
    options,
    another: (more) => browserSignIn({ ...options, ...more }),
    run: (...running) => void (processes = running),
    mount: (path, answer) => void mounted.set(path, answer),
    openBrowser: () => createCookieBrowser({ now: clock.clock }),
    visit: (browser, user, more) => browser.signIn(`${origin}/private?x=1`, { user, ...more }),
  };
  world.run(world.another());
  return world;
}

/** The value of the cookie that names a session, by the browser's own account. */
export async function cookieNames(signIn: BrowserSignIn, origin: string): Promise<string> {
  const answer = (await signIn.verifyUser(new Request(`${origin}/private`))) as Response;
  const [name = ''] = (answer.headers.getSetCookie()[0] ?? '').split('=');
  return name.replace('-browser-', '-person-');
}

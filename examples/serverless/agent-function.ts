import { browserSignIn, type BrowserSignIn } from '../../src/browser-sign-in/index.ts';
import {
  ClientManager,
  isAuthorizationRequired,
  type Client,
  type ParkingPlace,
} from '../../src/client/index.ts';
import type { Logger, StorageBackend } from '../../src/index.ts';

/** What every invocation is given, and all that it shares with the others: no memory, and nothing that goes on. */
export interface Settings {
  readonly storage: StorageBackend;
  /** Where browsers reach the function. */
  readonly origin: string;
  /** The OpenID provider that people sign in with. */
  readonly issuer: string;
  readonly calendarUrl: string;
  /** The chat: answers that come later are posted there. */
  readonly chatUrl: string;
  readonly logger?: Logger | undefined;
}

/** What the runtime offers an invocation. `waitUntil` keeps it alive for work that goes on after its answer. */
export interface Invocation {
  waitUntil(work: Promise<unknown>): void;
}

interface Question {
  readonly id: string;
}

/**
 * The function: `POST /ask` has an answer, or a link for whoever asks; `/postern/*` is where the link leads, and
 * `/sign-in/*` who is there; what waited is answered by {@link resume}.
 *
 * Everything is made for one invocation and closed with it: connections belong to the request that opened them.
 */
export async function answer(
  request: Request,
  settings: Settings,
  invocation: Invocation,
): Promise<Response> {
  const signIn = openSignIn(settings);
  const { manager, questions } = openManager(settings, signIn, invocation);
  try {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/postern/')) return await manager.fetch(request);
    if (pathname.startsWith('/sign-in/')) return await signIn.fetch(request);
    if (pathname === '/') return await greet(signIn, request);
    if (pathname !== '/ask' || request.method !== 'POST') return new Response('Not found', { status: 404 });
    const person = await signIn.findPerson(request);
    if (person === undefined) return new Response('Sign in first', { status: 401 });
    try {
      return Response.json({ events: await listEvents(await manager.getClient(person.id)) });
    } catch (error) {
      if (!isAuthorizationRequired(error)) throw error;
      await questions.park(error, { id: crypto.randomUUID() });
      return Response.json({ link: error.challenge.url }, { status: 202 });
    }
  } finally {
    invocation.waitUntil(manager.close());
  }
}

/** Answers what waited for a sign-in that is done: from a timer, or right after a callback. Returns how much that was. */
export async function resume(settings: Settings, invocation: Invocation): Promise<number> {
  const { manager } = openManager(settings, openSignIn(settings), invocation);
  try {
    return await manager.runDue();
  } finally {
    await manager.close();
  }
}

/** Whoever has not signed in to the application yet is led to where they do. */
async function greet(signIn: BrowserSignIn, request: Request): Promise<Response> {
  const person = await signIn.verifyUser(request);
  return person instanceof Response ? person : new Response('You are signed in. Ask away.');
}

function openSignIn({ storage, origin, issuer, logger }: Settings): BrowserSignIn {
  const publicUrl = `${origin}/sign-in`;
  return browserSignIn({ issuer, clientId: 'serverless', publicUrl, storage, logger });
}

interface Opened {
  readonly manager: ClientManager;
  readonly questions: ParkingPlace<Question>;
}

function openManager(settings: Settings, signIn: BrowserSignIn, invocation: Invocation): Opened {
  const { storage, origin, calendarUrl, chatUrl, logger } = settings;
  const manager = new ClientManager(
    { calendar: { url: calendarUrl } },
    {
      storage,
      publicUrl: `${origin}/postern`,
      verifyUser: signIn.verifyUser,
      waitUntil: (work) => invocation.waitUntil(work),
      logger,
    },
  );
  const questions = manager.continuation<Question>('answer', async ({ client, payload, idempotencyKey }) => {
    const events = await listEvents(client);
    const body = JSON.stringify({ question: payload.id, events });
    // The chat drops what it has had under that key: an invocation may end between posting and saying so.
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    const { ok } = await fetch(chatUrl, { method: 'POST', headers, body });
    if (!ok) throw new Error('the chat did not take the answer');
  });
  return { manager, questions };
}

async function listEvents(client: Client): Promise<string[]> {
  const { content } = await client.callTool('list_events');
  return content.flatMap((block) => (block.type === 'text' ? block.text.split('\n') : []));
}

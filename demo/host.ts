/**
 * One process of the agent host: what a developer writes who puts an agent in a chat for many users.
 *
 * It gets questions over IPC where a real host would get chat messages, and tells its parent what it did.
 */
import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { ClientManager, isAuthorizationRequired, RemoteAuthCoordinator } from '../src/client/index.ts';
import { openLocalStorage } from '../src/storage/local.ts';
import { openListener } from './open-listener.ts';

/** What the parent sends. */
export type ToHost = { ask: { user: string } } | { stop: true };

/** What a host tells its parent. */
export type FromHost =
  | { listening: { port: number } }
  | { parked: { user: string; link: string } }
  | { answered: { user: string; events: string[]; attempt: number } }
  | { failed: { user: string; code: string } };

const [directory = '', publicUrl = '', calendarUrl = ''] = process.argv.slice(2);
const tell = (message: FromHost): void => void process.send?.(message);

const storage = openLocalStorage(directory);
const coordinator = new RemoteAuthCoordinator({
  storage,
  publicUrl: `${publicUrl}/postern`,
  // The chat application's own session. Without one, the person is sent to its login first.
  verifyUser: (request) => {
    const user = /(?:^|; )chat-user=(?<user>[a-z]+)/u.exec(request.headers.get('cookie') ?? '')?.groups?.[
      'user'
    ];
    if (user !== undefined) return user;
    const back = new URL(request.url).pathname;
    return new Response(null, {
      status: 303,
      headers: { location: `/login?back=${encodeURIComponent(back)}` },
    });
  },
});
const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator });

const answer = manager.continuation<{ user: string }>(
  'answer',
  async ({ client, payload, attempt }) => {
    const result = await client.callTool('list_events');
    tell({ answered: { user: payload.user, events: textOf(result), attempt } });
  },
  { abandon: async ({ payload }, code) => tell({ failed: { user: payload.user, code } }) },
);

async function onQuestion(user: string): Promise<void> {
  const client = await manager.getClient(user, { thread: `thread-of-${user}` });
  try {
    tell({ answered: { user, events: textOf(await client.callTool('list_events')), attempt: 0 } });
  } catch (error) {
    if (!isAuthorizationRequired(error)) throw error;
    await answer.park(error, { user });
    tell({ parked: { user, link: error.challenge.url } });
  }
}

function textOf(
  result: Awaited<ReturnType<Awaited<ReturnType<typeof manager.getClient>>['callTool']>>,
): string[] {
  return result.content.flatMap((block) => (block.type === 'text' ? block.text.split('\n') : []));
}

const app = new Hono();
app.get('/login', (context) =>
  context.html(
    html`<!doctype html>
      <html lang="en">
        <meta name="viewport" content="width=device-width" />
        <title>Chat</title>
        <h1>Who are you?</h1>
        <form method="post">
          <input type="hidden" name="back" value="${context.req.query('back') ?? '/'}" />
          <label>Name <input name="user" pattern="[a-z]+" required /></label>
          <button>Sign in to the chat</button>
        </form>
      </html>`,
  ),
);
app.post('/login', async (context) => {
  const form = new URLSearchParams(await context.req.text());
  const user = form.get('user') ?? '';
  const back = form.get('back') ?? '';
  setCookie(context, 'chat-user', user, { httpOnly: true, sameSite: 'Lax', path: '/' });
  return context.redirect(/^\/postern\/[\w/-]+$/u.test(back) ? back : '/', 303);
});
app.get('/', (context) => context.text(`Signed in as ${getCookie(context, 'chat-user') ?? 'nobody'}`));
app.all('/postern/*', (context) => coordinator.fetch(context.req.raw));

const listener = await openListener({ handler: (request) => app.fetch(request) });
tell({ listening: { port: listener.port } });
await manager.start();

process.on('message', (message: ToHost) => {
  if ('ask' in message) {
    onQuestion(message.ask.user).catch((error: unknown) => {
      tell({ failed: { user: message.ask.user, code: (error as { code?: string }).code ?? String(error) } });
    });
  } else {
    void stop();
  }
});
process.on('disconnect', () => void stop());

async function stop(): Promise<void> {
  await manager.close();
  await listener.close();
  await storage.close();
  process.exit(0);
}

import { Hono } from 'hono';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { openListener } from '../../demo/open-listener.ts';
import { browserSignIn } from '../../src/browser-sign-in/index.ts';
import { ClientManager } from '../../src/client/index.ts';
import type { Logger } from '../../src/core/logger.ts';
import { honoPages } from '../../src/node/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { Conversations } from './conversations.ts';
import { chatPage } from './page.ts';
import { planDays } from './planner.ts';

export interface WebApp extends AsyncDisposable {
  readonly url: string;
  readonly inboxUrl: string;
  readonly calendar: CalendarServer;
}

/**
 * The application: people sign in, see what is connected, and ask. An answer that needs a sign-in arrives after it, in the
 * page as it stands. Around it, on loopback, an OpenID provider and a calendar behind it.
 */
export async function startWebApp(options: {
  readonly directory: string;
  readonly port?: number | undefined;
  readonly logger: Logger;
}): Promise<WebApp> {
  const { directory, port, logger } = options;
  await using starting = new AsyncDisposableStack();
  const listener = starting.use(await openListener({ port }));
  const publicUrl = `${listener.origin}/postern`;
  const provider = await startAuthorizationServer({
    clients: [
      {
        client_id: 'day-planner',
        redirect_uris: [`${listener.origin}/sign-in/callback`],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
  });
  starting.defer(() => provider.close());
  const calendar = await startCalendarServer({ authorizationServer: provider });
  starting.defer(() => calendar.close());

  const storage = openLocalStorage(directory);
  starting.defer(() => storage.close());
  const appearance = { name: 'Day Planner' };
  const signIn = browserSignIn({
    issuer: provider.issuer,
    clientId: 'day-planner',
    publicUrl: `${listener.origin}/sign-in`,
    storage,
    appearance,
    logger,
  });
  const manager = new ClientManager(
    { calendar: { url: calendar.url } },
    { storage, publicUrl, verifyUser: signIn.verifyUser, appearance, logger },
  );
  starting.defer(() => manager.close());

  const conversations = new Conversations();
  const runs = planDays(manager, {
    // Nobody waits for an answer to a form that was sent.
    waitMs: 0,
    tell: ({ contextId, service, challenge }) =>
      conversations.say(contextId, {
        from: 'planner',
        text: `To go on, connect your ${service}.`,
        link: challenge.url,
      }),
    onAnswer: ({ contextId, answer, idempotencyKey }) =>
      conversations.say(contextId, { from: 'planner', text: answer }, idempotencyKey),
    onFailure: ({ contextId }) =>
      conversations.say(contextId, { from: 'planner', text: 'Something went wrong; please ask again.' }),
  });
  await manager.start();

  const app = new Hono();
  app.all('/postern/*', honoPages(manager.fetch, { publicUrl, logger }));
  app.all('/sign-in/*', honoPages(signIn.fetch, { publicUrl, logger }));
  app.get('/', async (context) => {
    const person = await signIn.verifyUser(context.req.raw);
    if (person instanceof Response) return person;
    return context.html(chatPage({ name: person.name ?? person.id, inboxUrl: manager.inboxUrl }));
  });
  app.get('/messages', async (context) => {
    const person = await signIn.findPerson(context.req.raw);
    if (person === undefined) return context.text('Sign in first', 401);
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
    return new Response(conversations.stream(person.id, context.req.raw.signal), { headers });
  });
  app.post('/ask', async (context) => {
    const person = await signIn.findPerson(context.req.raw);
    if (person === undefined) return context.text('Sign in first', 401);
    const question = new URLSearchParams(await context.req.text()).get('question')?.slice(0, 500) ?? '';
    conversations.say(person.id, { from: 'you', text: question });
    const started = await runs.start(person.id, question);
    if (started.status === 'answered')
      conversations.say(person.id, { from: 'planner', text: started.answer }, started.runId);
    return context.redirect('/', 303);
  });
  listener.serve((request) => app.fetch(request));
  const started = starting.move();
  return {
    url: listener.origin,
    inboxUrl: manager.inboxUrl ?? publicUrl,
    calendar,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { openListener, type Listener } from '../../demo/open-listener.ts';
import type { Settings } from './agent-function.ts';

/** What a platform hands a function: a request, or the tick of a timer. */
export type FunctionEvent =
  | {
      readonly url: string;
      readonly method: string;
      readonly headers: [string, string][];
      readonly body: string;
    }
  | 'timer';

export type FunctionAnswer =
  | { readonly status: number; readonly headers: [string, string][]; readonly body: string }
  | { readonly resumed: number };

/** What the chat got, and under which key. */
export interface ChatMessage {
  readonly key: string;
  readonly events: readonly string[];
}

/** Everything around a function, on loopback: who signs people in, their calendar, and the chat. */
export interface World extends AsyncDisposable {
  readonly listener: Listener;
  readonly calendar: CalendarServer;
  readonly settings: Omit<Settings, 'storage' | 'logger'>;
  readonly messages: readonly ChatMessage[];
  /** Requests for metadata that reached the provider. */
  readonly metadataRequests: () => number;
}

export async function openWorld(port?: number): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const listener = starting.use(await openListener({ port }));
  const provider = await startAuthorizationServer({
    clients: [
      {
        client_id: 'serverless',
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
  const messages: ChatMessage[] = [];
  const chat = starting.use(
    await openListener({
      handler: async (request) => {
        const { events } = (await request.json()) as { events: string[] };
        messages.push({ key: request.headers.get('idempotency-key') ?? '', events });
        return new Response();
      },
    }),
  );
  const started = starting.move();
  return {
    listener,
    calendar,
    messages,
    settings: {
      origin: listener.origin,
      issuer: provider.issuer,
      calendarUrl: calendar.url,
      chatUrl: chat.origin,
    },
    metadataRequests: () => provider.counters.metadata,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

export interface Serverless extends World {
  /** The processes that invocations had so far. */
  readonly processes: ReadonlySet<number>;
  /** The platform's timer ticks. Returns how much was resumed. */
  readonly tick: () => Promise<number>;
}

/** The function on a platform that gives every invocation a process of its own, which sees nothing but the store. */
export async function startServerless(options: { directory: string; port?: number }): Promise<Serverless> {
  const world = await openWorld(options.port);
  const { listener, settings } = world;
  const processes = new Set<number>();
  const invoke = async (event: FunctionEvent): Promise<FunctionAnswer> => {
    const program = fileURLToPath(new URL('invoke.ts', import.meta.url));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // What was compiled is kept between invocations, as platforms do.
      env: { ...process.env, NODE_COMPILE_CACHE: `${options.directory}/compiled` },
    });
    processes.add(child.pid ?? 0);
    child.stdin.end(JSON.stringify({ event, directory: options.directory, settings }));
    const answered = await text(child.stdout);
    return JSON.parse(answered) as FunctionAnswer;
  };
  listener.serve(async (request) => {
    const { method } = request;
    // The origin that browsers use, which a platform knows as well.
    const url = new URL(new URL(request.url).pathname + new URL(request.url).search, listener.origin).href;
    const answered = await invoke({ url, method, headers: [...request.headers], body: await request.text() });
    if (!('status' in answered)) return new Response(null, { status: 500 });
    const { status, headers, body } = answered;
    const isEmpty = status === 204 || status === 304;
    return new Response(isEmpty ? null : body, { status, headers });
  });
  return {
    ...world,
    processes,
    tick: async () => {
      const answered = await invoke('timer');
      return 'resumed' in answered ? answered.resumed : 0;
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

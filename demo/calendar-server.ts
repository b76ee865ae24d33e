/**
 * A real MCP server for the demo and the tests: a calendar for each user, behind OAuth bearer tokens.
 *
 * Streamable HTTP on 127.0.0.1, in both protocol eras.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  originValidationResponse,
  requireBearerAuth,
  requireScopes,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
  type McpRequestContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

import type { AuthorizationServer } from './authorization-server.ts';
import { calendarScopes } from './sign-in-pages.ts';

/** A token that reached the server, without the token. */
export interface SeenToken {
  readonly subject: string;
  /** SHA-256 of the token, in hex. */
  readonly tokenSha256: string;
}

/** One tool call, and in whose name it was made. */
export interface SeenCall extends SeenToken {
  readonly tool: string;
}

export interface CalendarServerOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly authorizationServer: Pick<AuthorizationServer, 'issuer' | 'verifyAccessToken'>;
  /** What every request needs, and what the 401 asks for. Default reading and writing; sharing is asked for by its tool. */
  readonly requiredScopes?: readonly string[];
  /** How 2025-era clients are served: each request alone (default), in sessions, or not at all. */
  readonly legacy?: 'stateless' | 'session' | 'reject';
  /** Registers more tools on the server made for a request. */
  readonly extraTools?: (
    server: McpServer,
    context: McpRequestContext & { readonly subject: string },
  ) => void;
}

export interface CalendarServer {
  /** The MCP endpoint, which is also the resource that tokens are bound to. */
  readonly url: string;
  readonly counters: {
    /** Calls that reached a tool, by its name. */
    readonly calls: Readonly<Record<string, number>>;
    readonly unauthorized: number;
    readonly forbidden: number;
  };
  /** Every tool call in order, for proofs that nobody acted in another's name. */
  readonly seen: readonly SeenCall[];
  /** Answers 401 to tokens that match, although they are valid. Returns the way to undo it. */
  rejectToken(matches: (token: SeenToken) => boolean): () => void;
  close(): Promise<void>;
}

/** Starts the calendar; resolves when it accepts connections. */
export async function startCalendarServer(options: CalendarServerOptions): Promise<CalendarServer> {
  const {
    authorizationServer,
    legacy = 'stateless',
    requiredScopes = ['calendar:read', 'calendar:write'],
  } = options;
  const calls: Record<string, number> = {};
  const counters = { calls, unauthorized: 0, forbidden: 0 };
  const seen: SeenCall[] = [];
  const rejections = new Set<(token: SeenToken) => boolean>();
  const calendars = new Map<string, CalendarEvent[]>();

  let handle: (request: Request) => Promise<Response> = answerNotReady;
  const listener = toNodeHandler({ fetch: (request) => handle(request) });
  // A request that a server receives has both, which its type does not say.
  const server = createServer((request, response) => void listener(request as ReceivedRequest, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/mcp`;
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(url));

  const gate = requireBearerAuth({
    requiredScopes: [...requiredScopes],
    expectedResource: new URL(url),
    resourceMetadataUrl,
    verifier: {
      async verifyAccessToken(token) {
        const verified = await authorizationServer.verifyAccessToken(token, url);
        const tokenSha256 = createHash('sha256').update(token).digest('hex');
        const subject = verified?.subject ?? '';
        if (verified === undefined || [...rejections].some((matches) => matches({ subject, tokenSha256 }))) {
          throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here');
        }
        return {
          token,
          clientId: verified.clientId,
          scopes: [...verified.scopes],
          expiresAt: verified.expiresAtSeconds,
          resource: new URL(verified.resource),
          extra: { sub: subject, tokenSha256 },
        };
      },
    },
  });

  const createCalendar = (context: McpRequestContext): McpServer => {
    const { subject } = tokenOf(context.authInfo);
    const events = calendars.get(subject) ?? firstEvents(subject);
    calendars.set(subject, events);
    const calendar = new McpServer({ name: 'calendar', version: '1.0.0' });
    registerCalendar(calendar, subject, events, (tool, authInfo) => {
      calls[tool] = (calls[tool] ?? 0) + 1;
      seen.push({ tool, ...tokenOf(authInfo) });
    });
    options.extraTools?.(calendar, { ...context, subject });
    return calendar;
  };

  const modern = createMcpHandler(createCalendar, {
    legacy: legacy === 'stateless' ? 'stateless' : 'reject',
  });
  const sessions = createSessions(createCalendar);
  const metadata = {
    resource: url,
    resource_name: 'Calendar',
    authorization_servers: [authorizationServer.issuer],
    scopes_supported: Object.keys(calendarScopes),
    bearer_methods_supported: ['header'],
  };
  const metadataPaths = new Set([
    new URL(resourceMetadataUrl).pathname,
    '/.well-known/oauth-protected-resource',
  ]);

  handle = async (request) => {
    const refused =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    if (refused !== undefined) return refused;
    const { pathname } = new URL(request.url);
    if (metadataPaths.has(pathname)) return Response.json(metadata);
    if (pathname !== '/mcp') return new Response('Not found', { status: 404 });

    const authInfo = await gate(request);
    const response =
      authInfo instanceof Response
        ? authInfo
        : legacy === 'session' && (await isLegacyRequest(request))
          ? await sessions.serve(request, authInfo)
          : await modern.fetch(request, { authInfo });
    if (response.status === 401) counters.unauthorized++;
    if (response.status === 403) counters.forbidden++;
    return response;
  };

  return {
    url,
    counters,
    seen,
    rejectToken(matches) {
      rejections.add(matches);
      return () => void rejections.delete(matches);
    },
    async close() {
      await Promise.all([modern.close(), sessions.close()]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerNotReady(): Promise<Response> {
  return new Response(null, { status: 503 });
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: value }] };
}

function registerCalendar(
  server: McpServer,
  subject: string,
  events: CalendarEvent[],
  count: (tool: string, authInfo: AuthInfo | undefined) => void,
): void {
  const owner = subject.slice(0, 1).toUpperCase() + subject.slice(1);
  const agenda = (): string =>
    events
      .toSorted((a, b) => a.time.localeCompare(b.time))
      .map(({ title, time }) => `${owner}: ${title} ${time}`)
      .join('\n');

  server.registerTool('list_events', { description: 'The events of today, of whoever asks' }, (context) => {
    count('list_events', context.http?.authInfo);
    return text(agenda());
  });
  server.registerTool('whoami', { description: 'The user in whose name this call is made' }, (context) => {
    count('whoami', context.http?.authInfo);
    return text(subject);
  });
  server.registerTool(
    'add_event',
    {
      description: 'Adds an event to the calendar of whoever asks',
      inputSchema: z.object({ title: z.string().min(1).max(200), time: z.string().regex(/^\d\d:\d\d$/) }),
      scopeChallenge: requireScopes('calendar:write'),
    },
    ({ title, time }, context) => {
      count('add_event', context.http?.authInfo);
      events.push({ title, time });
      return text(`Added for ${subject}: ${title} ${time}`);
    },
  );
  server.registerTool(
    'share_calendar',
    {
      description: 'Shares the calendar of whoever asks with somebody else',
      inputSchema: z.object({ with: z.string().min(1).max(200) }),
      scopeChallenge: requireScopes('calendar:share'),
    },
    (input, context) => {
      count('share_calendar', context.http?.authInfo);
      return text(`The calendar of ${subject} is shared with ${input.with}`);
    },
  );
  server.registerResource('today', 'calendar://today', { mimeType: 'text/plain' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: agenda() }],
  }));
  server.registerPrompt('plan_day', { description: 'Plan a day around what is fixed' }, () => ({
    messages: [
      { role: 'user', content: { type: 'text', text: `Plan my day around these events:\n${agenda()}` } },
    ],
  }));
}

type ReceivedRequest = IncomingMessage & { method: string; url: string };

interface Sessions {
  serve(request: Request, authInfo: AuthInfo): Promise<Response>;
  close(): Promise<void>;
}

/** 2025-era sessions. One belongs to the user who opened it; to anybody else it does not exist. */
function createSessions(create: (context: McpRequestContext) => McpServer): Sessions {
  const open = new Map<string, { transport: WebStandardStreamableHTTPServerTransport; subject: string }>();
  return {
    async serve(request, authInfo) {
      const { subject } = tokenOf(authInfo);
      const id = request.headers.get('mcp-session-id');
      if (id !== null) {
        const session = open.get(id);
        if (session?.subject !== subject) return new Response('Session not found', { status: 404 });
        return session.transport.handleRequest(request, { authInfo });
      }
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (sessionId) => void open.set(sessionId, { transport, subject }),
        onsessionclosed: (sessionId) => void open.delete(sessionId),
      });
      await create({ era: 'legacy', authInfo }).connect(transport);
      return transport.handleRequest(request, { authInfo });
    },
    async close() {
      await Promise.all([...open.values()].map(({ transport }) => transport.close()));
      open.clear();
    },
  };
}

function tokenOf(authInfo: AuthInfo | undefined): SeenToken {
  const { sub, tokenSha256 } = authInfo?.extra ?? {};
  return { subject: String(sub), tokenSha256: String(tokenSha256) };
}

interface CalendarEvent {
  readonly title: string;
  /** `HH:MM` */
  readonly time: string;
}

/** The same three events for the same user, every time. */
function firstEvents(subject: string): CalendarEvent[] {
  const [seed = 0] = createHash('sha256').update(subject).digest();
  return [
    { title: 'dentist', time: '09:00' },
    { title: ['lunch with Kim', 'swimming', 'piano lesson'][seed % 3] ?? 'lunch', time: '12:30' },
    { title: 'call with the bank', time: `${15 + (seed % 3)}:00` },
  ];
}

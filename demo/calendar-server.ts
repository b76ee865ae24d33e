/**
 * A real MCP server for the demo and the tests: a calendar for each user, behind OAuth bearer tokens.
 *
 * Streamable HTTP on 127.0.0.1, in both protocol eras.
 */
import { createHash } from 'node:crypto';
import {
  McpServer,
  requireScopes,
  type AuthInfo,
  type McpRequestContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { AuthorizationServer } from './authorization-server.ts';
import { createMcpEndpoint, firstOf } from './mcp-endpoint.ts';
import { openListener } from './open-listener.ts';
import { calendarScopes } from './sign-in-pages.ts';
import { createTokenGate } from './token-gate.ts';

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

  const listener = await openListener({ port: options.port });
  const url = `${listener.origin}/mcp`;

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

  const gate = createTokenGate({
    url,
    name: 'Calendar',
    requiredScopes,
    scopesSupported: Object.keys(calendarScopes),
    authorizationServer: {
      issuer: authorizationServer.issuer,
      async verifyAccessToken(token, resource) {
        const verified = await authorizationServer.verifyAccessToken(token, resource);
        if (verified === undefined) return undefined;
        const seenToken = { subject: verified.subject, tokenSha256: sha256(token) };
        return [...rejections].some((matches) => matches(seenToken)) ? undefined : verified;
      },
    },
  });
  const endpoint = createMcpEndpoint({ url, gate, legacy, createServer: createCalendar });
  const answer = firstOf(endpoint.fetch);
  listener.serve(async (request) => {
    const response = await answer(request);
    if (response.status === 401) counters.unauthorized++;
    if (response.status === 403) counters.forbidden++;
    return response;
  });

  return {
    url,
    counters,
    seen,
    rejectToken(matches) {
      rejections.add(matches);
      return () => void rejections.delete(matches);
    },
    async close() {
      await endpoint.close();
      await listener.close();
    },
  };
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

function tokenOf(authInfo: AuthInfo | undefined): SeenToken {
  return { subject: String(authInfo?.extra?.['sub']), tokenSha256: sha256(authInfo?.token ?? '') };
}

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
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

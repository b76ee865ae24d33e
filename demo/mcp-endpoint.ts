import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
  type McpHttpHandler,
  type McpRequestContext,
  type McpServer,
  type WebStandardStreamableHTTPServerTransportOptions,
} from '@modelcontextprotocol/server';
import type { Handler } from './open-listener.ts';

/** Who may come in: what `token-gate.ts` makes, or something simpler in a test. */
export interface Gate {
  /** Who asks, or the answer that refuses them. */
  readonly authenticate: (request: Request) => Promise<AuthInfo | Response>;
  /** Answers what is to be known before one can come in; `undefined` for everything else. */
  readonly describe?: (request: Request) => Response | undefined;
}

export interface McpEndpointOptions {
  /** The endpoint, which is also the resource that tokens are bound to. */
  readonly url: string;
  /** Makes the server of one request, or of one session of the older revision. */
  readonly createServer: (context: McpRequestContext) => McpServer;
  /** Without one, anybody may come in. */
  readonly gate?: Gate | undefined;
  /** How clients of 2025-11-25 are served: in sessions (default), each request alone, or not at all. */
  readonly legacy?: 'session' | 'stateless' | 'reject' | undefined;
  /** What each session's transport gets besides. */
  readonly sessionOptions?: () => Pick<
    WebStandardStreamableHTTPServerTransportOptions,
    'eventStore' | 'retryInterval'
  >;
}

export interface McpEndpoint extends AsyncDisposable {
  /** Answers the endpoint and its metadata; `undefined` for everything else. */
  readonly fetch: (request: Request) => Promise<Response | undefined>;
  /** Tells clients of 2026-07-28 what has changed. */
  readonly notify: McpHttpHandler['notify'];
  readonly close: () => Promise<void>;
}

/** An MCP server at one address, in both protocol eras. */
export function createMcpEndpoint(options: McpEndpointOptions): McpEndpoint {
  const { createServer, gate, legacy = 'session', sessionOptions } = options;
  const { pathname: path } = new URL(options.url);
  const modern = createMcpHandler(createServer, { legacy: legacy === 'stateless' ? 'stateless' : 'reject' });
  const sessions = new Sessions((caller) => createServer({ era: 'legacy', ...caller }), sessionOptions);
  const close = async (): Promise<void> => {
    await Promise.all([modern.close(), sessions.close()]);
  };

  return {
    async fetch(request) {
      const isAsked = new URL(request.url).pathname === path;
      const description = isAsked ? undefined : gate?.describe?.(request);
      if (!isAsked && description === undefined) return undefined;
      const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
      if (refused !== undefined) return refused;
      if (description !== undefined) return description;
      const authInfo = await gate?.authenticate(request);
      if (authInfo instanceof Response) return authInfo;
      const caller: Caller = authInfo === undefined ? {} : { authInfo };
      return legacy === 'session' && (await isLegacyRequest(request))
        ? sessions.serve(request, caller)
        : modern.fetch(request, caller);
    },
    notify: modern.notify,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is known of whoever asks. */
interface Caller {
  readonly authInfo?: AuthInfo;
}

/** Sessions of 2025-11-25. One belongs to the user who opened it; to anybody else it does not exist. */
class Sessions {
  readonly #open = new Map<
    string,
    { transport: WebStandardStreamableHTTPServerTransport; subject: unknown }
  >();
  readonly #createServer: (caller: Caller) => McpServer;
  readonly #options: McpEndpointOptions['sessionOptions'];

  constructor(createServer: (caller: Caller) => McpServer, options: McpEndpointOptions['sessionOptions']) {
    this.#createServer = createServer;
    this.#options = options;
  }

  async serve(request: Request, caller: Caller): Promise<Response> {
    const subject = caller.authInfo?.extra?.['sub'];
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const session = this.#open.get(id);
      if (session === undefined || session.subject !== subject) {
        return new Response('Session not found', { status: 404 });
      }
      return session.transport.handleRequest(request, caller);
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      ...this.#options?.(),
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (created) => void this.#open.set(created, { transport, subject }),
      onsessionclosed: (closed) => void this.#open.delete(closed),
    });
    await this.#createServer(caller).connect(transport);
    return transport.handleRequest(request, caller);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ transport }) => transport.close()));
    this.#open.clear();
  }
}

/** The first of several parts of a server that knows the address. */
export function firstOf(...parts: ((request: Request) => Promise<Response | undefined>)[]): Handler {
  return async (request) => {
    for (const part of parts) {
      const response = await part(request);
      if (response !== undefined) return response;
    }
    return new Response('Not found', { status: 404 });
  };
}

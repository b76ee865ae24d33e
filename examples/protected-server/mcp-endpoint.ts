import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  OAuthError,
  OAuthErrorCode,
  originValidationResponse,
  requireBearerAuth,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
  type McpServer,
} from '@modelcontextprotocol/server';
import type { AuthorizationServer } from '../../demo/authorization-server.ts';
import type { Handler } from './open-listener.ts';

export interface McpEndpointOptions {
  /** The endpoint, which is also the resource that tokens are bound to. */
  readonly url: string;
  readonly name: string;
  readonly authorizationServer: Pick<AuthorizationServer, 'issuer' | 'verifyAccessToken'>;
  /** Makes the server of one request, or of one session of the older revision. */
  readonly createServer: () => McpServer;
  /** How clients of 2025-11-25 are served: in sessions (default), or each request alone. */
  readonly legacy?: 'session' | 'stateless' | undefined;
}

export interface McpEndpoint extends AsyncDisposable {
  /** Answers the endpoint and its metadata; `undefined` for everything else. */
  readonly fetch: (request: Request) => Promise<Response | undefined>;
}

/** An MCP server behind bearer tokens, in both protocol eras. */
export function createMcpEndpoint(options: McpEndpointOptions): McpEndpoint {
  const { url, name, authorizationServer, createServer, legacy = 'session' } = options;
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(url));
  const gate = requireBearerAuth({
    requiredScopes: [],
    expectedResource: new URL(url),
    resourceMetadataUrl,
    verifier: { verifyAccessToken: (token) => verify(token, authorizationServer, url) },
  });
  const modern = createMcpHandler(createServer, { legacy: legacy === 'stateless' ? 'stateless' : 'reject' });
  const sessions = new Sessions(createServer);
  const metadata = {
    resource: url,
    resource_name: name,
    authorization_servers: [authorizationServer.issuer],
    bearer_methods_supported: ['header'],
  };
  const metadataPath = new URL(resourceMetadataUrl).pathname;

  return {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === metadataPath) return Response.json(metadata);
      if (pathname !== new URL(url).pathname) return undefined;
      const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
      if (refused !== undefined) return refused;
      const authInfo = await gate(request);
      if (authInfo instanceof Response) return authInfo;
      return legacy === 'session' && (await isLegacyRequest(request))
        ? sessions.serve(request, authInfo)
        : modern.fetch(request, { authInfo });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([modern.close(), sessions.close()]);
    },
  };
}

/** What the token says goes on as claims: whose call it is comes from here, never from a tool's arguments. */
async function verify(
  token: string,
  { issuer, verifyAccessToken }: Pick<AuthorizationServer, 'issuer' | 'verifyAccessToken'>,
  url: string,
): Promise<AuthInfo> {
  const verified = await verifyAccessToken(token, url);
  if (verified === undefined)
    throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is not valid here');
  return {
    token,
    clientId: verified.clientId,
    scopes: [...verified.scopes],
    expiresAt: verified.expiresAtSeconds,
    resource: new URL(verified.resource),
    extra: { iss: issuer, sub: verified.subject, aud: verified.resource },
  };
}

/** Sessions of 2025-11-25. One belongs to the user who opened it; to anybody else it does not exist. */
class Sessions {
  readonly #open = new Map<
    string,
    { transport: WebStandardStreamableHTTPServerTransport; subject: unknown }
  >();
  readonly #createServer: () => McpServer;

  constructor(createServer: () => McpServer) {
    this.#createServer = createServer;
  }

  async serve(request: Request, authInfo: AuthInfo): Promise<Response> {
    const subject = authInfo.extra?.['sub'];
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const session = this.#open.get(id);
      if (session === undefined || session.subject !== subject) {
        return new Response('Session not found', { status: 404 });
      }
      return session.transport.handleRequest(request, { authInfo });
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (created) => void this.#open.set(created, { transport, subject }),
      onsessionclosed: (closed) => void this.#open.delete(closed),
    });
    await this.#createServer().connect(transport);
    return transport.handleRequest(request, { authInfo });
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

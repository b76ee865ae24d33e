import type { Caller } from '../access/access.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { readMessageText, rpcCodes, type Message } from '../../wire/message.ts';
import type { OutgoingConnection } from './event-stream.ts';
import type { LegacySession } from './legacy-session.ts';
import type { LegacySessions } from './legacy-sessions.ts';
import type { ModernRequests } from './modern-requests.ts';
import { eraOf, legacyVersions } from './request-era.ts';
import { errorResponse } from './rpc-response.ts';

export interface McpEndpointOptions {
  readonly supply: ChildSupply;
  readonly sessions: LegacySessions;
  readonly modern: ModernRequests;
  /** All that listen for what belongs to no call. */
  readonly maxOpenStreams: number;
}

/** A request whose sender is known. */
export interface AdmittedRequest {
  readonly request: Request;
  readonly caller: Caller;
  readonly connection: OutgoingConnection;
}

/** Streamable HTTP in front of children, for clients of every revision that has it. */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;

  constructor(options: McpEndpointOptions) {
    this.#options = options;
  }

  async answer(admitted: AdmittedRequest): Promise<Response> {
    switch (admitted.request.method) {
      case 'POST':
        return this.#post(admitted);
      case 'GET':
        return this.#listen(admitted);
      case 'DELETE':
        return this.#end(admitted);
      default:
        return notAllowed();
    }
  }

  async #post({ request, caller, connection }: AdmittedRequest): Promise<Response> {
    const { headers } = request;
    if (!isJson(headers.get('content-type'))) return refused(415, 'the body must be application/json');
    if (!accepts(headers, 'application/json') || !accepts(headers, 'text/event-stream')) {
      return refused(406, 'the client must accept application/json and text/event-stream');
    }
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(await request.arrayBuffer());
    } catch {
      return refused(400, 'the body is not UTF-8', rpcCodes.parseError);
    }
    const message = readMessageText(text);
    if (message.kind === 'refused') {
      const { code, reason, id } = message;
      return errorResponse(400, { code, message: `the body is no message: ${reason}` }, id ?? null);
    }
    if (message.kind === 'request' || message.kind === 'notification') {
      const era = eraOf(message, headers);
      if (era.era === 'refused')
        return errorResponse(era.status, era.error, message.kind === 'request' ? message.id : null);
      if (era.era === 'modern') {
        // This revision has no notification that a client could send over HTTP.
        if (message.kind === 'notification') return accepted();
        return this.#options.modern.call(message, caller.user, headers, connection);
      }
    }
    return this.#postToSession(message, { request, caller, connection });
  }

  async #postToSession(
    message: Message,
    { request, caller, connection }: AdmittedRequest,
  ): Promise<Response> {
    const { sessions } = this.#options;
    const { headers } = request;
    if (message.kind === 'request' && message.method === 'initialize' && !headers.has('mcp-session-id')) {
      return sessions.begin(message, caller.user);
    }
    const session = this.#sessionOf(headers, caller);
    if (session instanceof Response) return session;
    switch (message.kind) {
      case 'request':
        return session.call(message, connection);
      case 'notification':
        await session.notify(message);
        return accepted();
      default:
        await session.reply(message);
        return accepted();
    }
  }

  #listen({ request, caller, connection }: AdmittedRequest): Response {
    const { headers } = request;
    // A client of the new revision has no session to listen to.
    if (!headers.has('mcp-session-id')) return notAllowed();
    if (!accepts(headers, 'text/event-stream'))
      return refused(406, 'the client must accept text/event-stream');
    const session = this.#sessionOf(headers, caller);
    if (session instanceof Response) return session;
    const { sessions, maxOpenStreams } = this.#options;
    if (sessions.openStreams >= maxOpenStreams) {
      return refused(503, 'as many clients listen as may', rpcCodes.serverError, { 'retry-after': '30' });
    }
    return session.listen(connection);
  }

  #end({ request, caller }: AdmittedRequest): Response {
    if (!request.headers.has('mcp-session-id')) return notAllowed();
    const session = this.#sessionOf(request.headers, caller);
    if (session instanceof Response) return session;
    this.#options.sessions.end(session);
    return new Response(null, { status: 204 });
  }

  #sessionOf(headers: Headers, { user }: Caller): LegacySession | Response {
    const id = headers.get('mcp-session-id');
    if (id === null)
      return refused(400, 'the header Mcp-Session-Id is missing; a session begins with initialize');
    const session = this.#options.sessions.find(id, user);
    if (session === undefined)
      return refused(404, 'there is no such session; begin one with initialize', -32_001);
    const version = headers.get('mcp-protocol-version');
    if (version !== null && !legacyVersions.includes(version)) {
      return refused(
        400,
        `the revision of the header is not served in a session (${legacyVersions.join(', ')} are)`,
      );
    }
    return session;
  }
}

function isJson(contentType: string | null): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}

function accepts(headers: Headers, type: string): boolean {
  const accept = headers.get('accept')?.toLowerCase();
  if (accept === undefined || accept.includes(type)) return true;
  return accept.includes('*/*') || accept.includes(`${type.split('/')[0] ?? ''}/*`);
}

function accepted(): Response {
  return new Response(null, { status: 202 });
}

function refused(
  status: number,
  message: string,
  code: number = rpcCodes.serverError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return errorResponse(status, { code, message }, null, headers);
}

function notAllowed(): Response {
  return errorResponse(405, { code: rpcCodes.serverError, message: 'Method not allowed.' }, null, {
    allow: 'POST, GET, DELETE',
  });
}

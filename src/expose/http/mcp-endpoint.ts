import type { Caller } from '../access/access.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { readMessageText, rpcCodes, type Message } from '../../wire/message.ts';
import type { OutgoingConnection } from './event-stream.ts';
import type { LegacySession } from './legacy-session.ts';
import type { LegacySessions } from './legacy-sessions.ts';
import type { ModernRequests } from './modern-requests.ts';
import { eraOf, legacyVersions } from './request-era.ts';
import { errorAnswer, HttpAnswer, type RequestHeaders } from './http-answer.ts';

export interface McpEndpointOptions {
  readonly supply: ChildSupply;
  readonly sessions: LegacySessions;
  readonly modern: ModernRequests;
  /** All that listen for what belongs to no call. */
  readonly maxOpenStreams: number;
}

/** A request whose sender is known. */
export interface AdmittedRequest {
  readonly method: string;
  readonly headers: RequestHeaders;
  /** Of a POST; `undefined` when it is not UTF-8. */
  readonly body: string | undefined;
  readonly caller: Caller;
  readonly connection: OutgoingConnection;
}

/** Streamable HTTP in front of children, for clients of every revision that has it. */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;

  constructor(options: McpEndpointOptions) {
    this.#options = options;
  }

  async answer(admitted: AdmittedRequest): Promise<HttpAnswer> {
    switch (admitted.method) {
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

  async #post(admitted: AdmittedRequest): Promise<HttpAnswer> {
    const { headers, body, caller, connection } = admitted;
    if (!isJson(headers.get('content-type'))) return refused(415, 'the body must be application/json');
    if (!accepts(headers, 'application/json') || !accepts(headers, 'text/event-stream')) {
      return refused(406, 'the client must accept application/json and text/event-stream');
    }
    if (body === undefined) return refused(400, 'the body is not UTF-8', rpcCodes.parseError);
    const message = readMessageText(body);
    if (message.kind === 'refused') {
      const { code, reason, id } = message;
      return errorAnswer(400, { code, message: `the body is no message: ${reason}` }, id ?? null);
    }
    if (message.kind === 'request' || message.kind === 'notification') {
      const era = eraOf(message, headers);
      if (era.era === 'refused')
        return errorAnswer(era.status, era.error, message.kind === 'request' ? message.id : null);
      if (era.era === 'modern') {
        // This revision has no notification that a client could send over HTTP.
        if (message.kind === 'notification') return accepted();
        return this.#options.modern.call(message, caller.user, headers, connection);
      }
    }
    return this.#postToSession(message, admitted);
  }

  async #postToSession(
    message: Message,
    { headers, caller, connection }: AdmittedRequest,
  ): Promise<HttpAnswer> {
    const { sessions } = this.#options;
    if (message.kind === 'request' && message.method === 'initialize' && !headers.has('mcp-session-id')) {
      return sessions.begin(message, caller.user);
    }
    const session = this.#sessionOf(headers, caller);
    if (session instanceof HttpAnswer) return session;
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

  #listen({ headers, caller, connection }: AdmittedRequest): HttpAnswer {
    // A client of the new revision has no session to listen to.
    if (!headers.has('mcp-session-id')) return notAllowed();
    if (!accepts(headers, 'text/event-stream'))
      return refused(406, 'the client must accept text/event-stream');
    const session = this.#sessionOf(headers, caller);
    if (session instanceof HttpAnswer) return session;
    const { sessions, maxOpenStreams } = this.#options;
    if (sessions.openStreams >= maxOpenStreams) {
      return refused(503, 'as many clients listen as may', rpcCodes.serverError, { 'retry-after': '30' });
    }
    return session.listen(connection);
  }

  #end({ headers, caller }: AdmittedRequest): HttpAnswer {
    if (!headers.has('mcp-session-id')) return notAllowed();
    const session = this.#sessionOf(headers, caller);
    if (session instanceof HttpAnswer) return session;
    this.#options.sessions.end(session);
    return new HttpAnswer(204);
  }

  #sessionOf(headers: RequestHeaders, { user }: Caller): LegacySession | HttpAnswer {
    const id = headers.get('mcp-session-id');
    if (id === undefined)
      return refused(400, 'the header Mcp-Session-Id is missing; a session begins with initialize');
    const session = this.#options.sessions.find(id, user);
    if (session === undefined)
      return refused(404, 'there is no such session; begin one with initialize', -32_001);
    const version = headers.get('mcp-protocol-version');
    if (version !== undefined && !legacyVersions.includes(version)) {
      return refused(
        400,
        `the revision of the header is not served in a session (${legacyVersions.join(', ')} are)`,
      );
    }
    return session;
  }
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}

function accepts(headers: RequestHeaders, type: string): boolean {
  const accept = headers.get('accept')?.toLowerCase();
  if (accept === undefined || accept.includes(type)) return true;
  return accept.includes('*/*') || accept.includes(`${type.split('/')[0] ?? ''}/*`);
}

function accepted(): HttpAnswer {
  return new HttpAnswer(202);
}

function refused(
  status: number,
  message: string,
  code: number = rpcCodes.serverError,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  return errorAnswer(status, { code, message }, null, headers);
}

function notAllowed(): HttpAnswer {
  return errorAnswer(405, { code: rpcCodes.serverError, message: 'Method not allowed.' }, null, {
    allow: 'POST, GET, DELETE',
  });
}

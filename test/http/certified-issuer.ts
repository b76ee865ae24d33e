import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { answerMcp } from '../support/minimal-mcp.ts';
import {
  ProgrammableAuthorization,
  type Asked,
  type CallKind,
} from '../support/programmable-authorization.ts';
import { readText, sendReply, type Reply } from '../support/programmable-reply.ts';
import { nameOfClient, openTlsServer, type Certificate } from './tls-server.ts';

/** An issuer that knows its clients by their certificates, and a server that takes its tokens with those alone. */
export interface CertifiedIssuer {
  readonly as: ProgrammableAuthorization;
  /** An MCP server with the tool `whoami`. */
  readonly mcpUrl: string;
  /** Where a client with a certificate asks about tokens. */
  readonly introspectionUrl: string;
  /** What was asked where a certificate is asked for, and by whose. */
  readonly shown: readonly (readonly [what: string, client: string])[];
  /** What was asked where none is, of what only a client with one gets. */
  readonly plain: readonly CallKind[];
  /** Whose certificate the MCP server was shown, each once. */
  readonly callers: ReadonlySet<string>;
}

const forClients: ReadonlySet<CallKind> = new Set(['token', 'refresh', 'revoke', 'par', 'device']);

/** Starts one, with its own certificate, and the one of its client. */
export async function openCertifiedIssuer(
  own: Certificate,
  client: Certificate,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<CertifiedIssuer> {
  const shown: [string, string][] = [];
  const plain: CallKind[] = [];
  const callers = new Set<string>();
  /** By access token, what it is bound to. */
  const bindings = new Map<string, string>();
  const open = async (
    clients: Parameters<typeof openTlsServer>[1],
    answer: (request: IncomingMessage) => Promise<Reply>,
  ): Promise<string> => {
    const url = await openTlsServer(own, clients, (request, response) => {
      void answer(request).then((reply) => sendReply(reply, response));
    });
    return url.replace(/\/$/u, '');
  };
  /** What it is that is asked, and the answer. */
  const ask = async (request: IncomingMessage, origin: string): Promise<[CallKind, Reply]> => {
    const before = as.calls.length;
    const reply = await as.answer(await readAsked(request, origin));
    return [as.calls[before]?.kind ?? 'other', reply];
  };

  const issuer = await open(undefined, async (request) => {
    const [kind, reply] = await ask(request, issuer);
    if (!forClients.has(kind)) return reply;
    plain.push(kind);
    return { status: 401, body: { error: 'invalid_client' } };
  });
  const mutual = await open(client, async (request) => {
    if (request.url === '/introspect') {
      shown.push(['introspect', nameOfClient(request)]);
      return { body: { active: true, sub: 'al' } };
    }
    const [kind, reply] = await ask(request, issuer);
    shown.push([kind, nameOfClient(request)]);
    const { access_token: token } = (reply as { body?: { access_token?: string } }).body ?? {};
    if (token !== undefined) bindings.set(token, thumbprintOf(request));
    return reply;
  });
  const server = await open({ ...client, isOptional: true }, async (request) => {
    const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
    callers.add(nameOfClient(request));
    if (bindings.get(token) !== thumbprintOf(request)) delete request.headers.authorization;
    const [, reply] = await ask(request, server);
    return reply;
  });
  const as: ProgrammableAuthorization = new ProgrammableAuthorization(issuer, {
    resource: `${server}/mcp`,
    metadata: {
      mtls_endpoint_aliases: {
        token_endpoint: `${mutual}/token`,
        revocation_endpoint: `${mutual}/revoke`,
        introspection_endpoint: `${mutual}/introspect`,
      },
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_methods_supported: ['tls_client_auth', 'self_signed_tls_client_auth'],
      ...metadata,
    },
    serve: (call, { subject }) =>
      answerMcp(call, { name: 'bank', tools: [{ name: 'whoami' }], call: () => subject }),
  });
  const introspectionUrl = `${mutual}/introspect`;
  return { as, mcpUrl: as.resource, introspectionUrl, shown, plain, callers };
}

async function readAsked(request: IncomingMessage, origin: string): Promise<Asked> {
  const { method = 'GET', headers } = request;
  return { method, url: new URL(request.url ?? '/', origin), headers, text: await readText(request) };
}

/** @see RFC 8705 §3.1 */
function thumbprintOf({ socket }: IncomingMessage): string {
  const { raw } = (socket as TLSSocket).getPeerCertificate() as { raw?: Buffer };
  return raw === undefined ? 'none' : createHash('sha256').update(raw).digest('base64url');
}

import { randomBytes } from 'node:crypto';
import type { Answer, Asked, ChaosAuthorizationServer } from './authorization-server.ts';

interface RpcMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string };
}

/** What a user's data begins with. */
export const canaryMark = 'CNRYzcanaryz';

/** An MCP server of the 2025 era, stateless, whose one tool tells its user a secret of their own. */
export class ChaosMcpServer {
  readonly #origin: string;
  readonly #authorizationServer: ChaosAuthorizationServer;
  readonly #canaries = new Map<string, string>();

  constructor(origin: string, authorizationServer: ChaosAuthorizationServer) {
    this.#origin = origin;
    this.#authorizationServer = authorizationServer;
  }

  answer({ url, method, body, header }: Asked): Answer | undefined {
    if (url.pathname === '/.well-known/oauth-protected-resource/mcp') {
      return {
        status: 200,
        body: { resource: `${this.#origin}/mcp`, authorization_servers: [this.#origin] },
      };
    }
    if (url.pathname !== '/mcp') return undefined;
    const token = /^Bearer (?<token>.+)$/u.exec(header('authorization') ?? '')?.groups?.['token'] ?? '';
    const subject = this.#authorizationServer.subjectOf(token);
    if (subject === undefined) {
      const metadata = `${this.#origin}/.well-known/oauth-protected-resource/mcp`;
      return { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` } };
    }
    return method === 'POST' ? this.#answerMessage(JSON.parse(body) as RpcMessage, subject) : { status: 405 };
  }

  #answerMessage(message: RpcMessage, subject: string): Answer {
    if (message.id === undefined) return { status: 202 };
    const reply = (content: Record<string, unknown>): Answer => ({
      status: 200,
      body: { jsonrpc: '2.0', id: message.id, ...content },
    });
    switch (message.method) {
      case 'initialize':
        return reply({
          result: {
            protocolVersion: message.params?.protocolVersion ?? '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'chaos', version: '1' },
          },
        });
      case 'ping':
        return reply({ result: {} });
      case 'tools/list':
        return reply({ result: { tools: [{ name: 'read', inputSchema: { type: 'object' } }] } });
      case 'tools/call':
        return reply({ result: { content: [{ type: 'text', text: this.#canaryOf(subject) }] } });
      default:
        return reply({ error: { code: -32_601, message: 'no such method' } });
    }
  }

  #canaryOf(subject: string): string {
    let canary = this.#canaries.get(subject);
    if (canary === undefined) {
      canary = [canaryMark, encodeURIComponent(subject), randomBytes(18).toString('base64url')].join(' ');
      this.#canaries.set(subject, canary);
    }
    return canary;
  }
}

/** Whose data a text is. */
export function ownerOf(text: string): string {
  const [mark, owner] = text.split(' ');
  return mark === canaryMark && owner !== undefined ? decodeURIComponent(owner) : 'nobody';
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ProgrammableAuthorization,
  type Asked,
  type ProgrammableAuthorizationOptions,
} from './programmable-authorization.ts';
import { readText, sendReply } from './programmable-reply.ts';

export type { ProgrammableAuthorizationOptions as ProgrammableAuthorizationServerOptions } from './programmable-authorization.ts';

/** {@link ProgrammableAuthorization} on a port of 127.0.0.1. */
export class ProgrammableAuthorizationServer extends ProgrammableAuthorization implements AsyncDisposable {
  readonly #server: Server;
  /** Where it listens. */
  readonly listensAt: string;

  constructor(server: Server, origin: string, options: ProgrammableAuthorizationOptions) {
    super(origin, options);
    this.#server = server;
    this.listensAt = origin;
    server.on('request', (request, response) => {
      void receive(request, originOf(request) ?? origin)
        .then(async (asked) => sendReply(await this.answer(asked), response))
        .catch(() => response.destroy());
    });
  }

  /** Goes through the authorization endpoint as the person's browser, and returns where it was sent. */
  async approve(authorizationUrl: string): Promise<URL> {
    const response = await fetch(authorizationUrl, { redirect: 'manual' });
    await response.body?.cancel();
    return new URL(response.headers.get('location') ?? '');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Starts one; resolves when it accepts connections, of which a thousand may come at once. */
export async function startProgrammableAuthorizationServer(
  options: ProgrammableAuthorizationOptions = {},
): Promise<ProgrammableAuthorizationServer> {
  const server = createServer();
  server.keepAliveTimeout = 60_000;
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new ProgrammableAuthorizationServer(server, origin, options);
}

/** The header by which a test's `fetch` says what a request was for, when it brings it here under another name. */
export const askedOrigin = 'x-asked-origin';

function originOf({ headers }: IncomingMessage): string | undefined {
  const origin = headers[askedOrigin];
  return typeof origin === 'string' ? origin : undefined;
}

async function receive(request: IncomingMessage, origin: string): Promise<Asked> {
  return {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', origin),
    headers: request.headers,
    text: await readText(request),
  };
}

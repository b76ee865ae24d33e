import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { failureFields } from '../../core/failure-fields.ts';
import type { Logger } from '../../core/logger.ts';
import { PosternError } from '../../core/postern-error.ts';
import { makeRoom } from '../../interaction/this-machine/make-room.ts';
import { answerNodeRequest } from '../../node/answer-node-request.ts';
import { rpcCodes, errorText } from '../../wire/message.ts';
import type { Access } from '../access/access.ts';
import type { OutgoingConnection } from './event-stream.ts';
import { HttpAnswer, type RequestHeaders } from './http-answer.ts';
import type { AdmittedRequest } from './mcp-endpoint.ts';
import type { SenderCheck } from './sender-check.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Of the MCP endpoint, below where clients reach it. */
  readonly path: string;
  /** What clients reach it by. A proxy in front may have cut off its path. */
  readonly publicUrl: () => string;
  readonly access: Access;
  readonly senders: () => SenderCheck;
  readonly answer: (request: AdmittedRequest) => Promise<HttpAnswer>;
  /** Answers everything else: pages, metadata. */
  readonly pages: (request: Request) => Promise<Response>;
  /** What whoever runs it may know about its state, where nobody else can ask. */
  readonly health: () => object;
  readonly limits: HttpLimits;
  readonly logger: Logger;
}

export interface HttpLimits {
  readonly maxBodyBytes: number;
  /** Of all bodies that are read at once. */
  readonly maxBodiesBytes: number;
  readonly maxConnections: number;
  /** A client that has not sent its headers in this time is cut off. */
  readonly headersMs: number;
  /** A client that has not sent its whole request in this time is cut off. */
  readonly requestMs: number;
}

const maxHeaderBytes = 32 * 1024;
/** More than any form of ours may have. */
const maxFormBytes = 128 * 1024;
/** How often Node looks for connections whose time is over. */
const connectionsCheckingInterval = 1_000;
const keepAliveMs = 60_000;

/** The listener: everything that is judged by headers alone, before a body is read, and by time. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #whileAnswering: ReturnType<typeof makeRoom>;
  #bodiesBytes = 0;
  #stopping = false;

  private constructor(options: HttpServerOptions) {
    this.#options = options;
    const { limits, logger } = options;
    this.#server = createServer(
      { maxHeaderSize: maxHeaderBytes, connectionsCheckingInterval, keepAlive: true, noDelay: true },
      (message, reply) => {
        const work = (): Promise<void> => this.#serve(message, reply);
        this.#whileAnswering(message.socket, work).catch((error: unknown) => {
          logger.error('a request was not answered', failureFields(error));
          if (reply.headersSent) reply.destroy();
          else refuse(reply, 500, 'the request could not be answered');
        });
      },
    );
    this.#server.headersTimeout = limits.headersMs;
    this.#server.requestTimeout = limits.requestMs;
    this.#server.keepAliveTimeout = keepAliveMs;
    this.#whileAnswering = makeRoom(this.#server, limits.maxConnections);
  }

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it cannot listen there. */
  static async open(options: HttpServerOptions): Promise<HttpServer> {
    const opened = new HttpServer(options);
    await opened.#listen();
    return opened;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** From now on new calls are answered 503. */
  drain(): void {
    this.#stopping = true;
    this.#server.closeIdleConnections();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      setTimeout(() => this.#server.closeAllConnections(), 500).unref();
    });
  }

  async #serve(message: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { pages, path, publicUrl, senders } = this.#options;
    const { host, origin: from } = message.headers;
    const problem = senders().problemOf(host, from);
    if (problem !== undefined) return refuse(reply, 403, `requests of this ${problem} are not answered`);
    const readableBy = senders().readableBy(from);
    if (readableBy !== undefined) allowReading(reply, readableBy);
    const { origin, pathname } = new URL(publicUrl());
    const mount = pathname.replace(/\/$/u, '');
    const [asked = ''] = (message.url ?? '').split('?');
    const target = mount !== '' && asked.startsWith(`${mount}/`) ? asked.slice(mount.length) : asked;
    if (target === path) return this.#serveMcp(message, reply);
    if (target === '/healthz') return this.#serveHealth(reply);
    const onFailure = (error: unknown): void => this.#failed(error);
    await answerNodeRequest(message, reply, pages, {
      origin,
      maxBodyBytes: maxFormBytes,
      onFailure,
    });
  }

  async #serveMcp(message: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { access, answer, limits } = this.#options;
    // What a page of another origin asks before it calls: no call itself.
    if (message.method === 'OPTIONS') return void reply.writeHead(204, { allow: 'POST, GET, DELETE' }).end();
    if (this.#stopping) return refuse(reply, 503, 'the server is ending', { 'retry-after': '5' });
    const headers = headersOf(message);
    const caller = await access.admit(headers);
    if (caller instanceof HttpAnswer) return write(reply, caller, { connection: 'close' });
    const { method = 'GET' } = message;
    const bytes = method === 'POST' ? Number(headers.get('content-length') ?? limits.maxBodyBytes) : 0;
    if (bytes > limits.maxBodyBytes) return refuse(reply, 413, tooLarge(limits));
    if (this.#bodiesBytes + bytes > limits.maxBodiesBytes) {
      return refuse(reply, 503, 'too much is being sent at once', { 'retry-after': '1' });
    }
    this.#bodiesBytes += bytes;
    let answered: HttpAnswer;
    try {
      const body = method === 'POST' ? await readBody(message, limits.maxBodyBytes) : '';
      if (body === 'too large') return refuse(reply, 413, tooLarge(limits));
      if (body === 'gone') return;
      const connection = connectionOf(reply);
      answered = await answer({ method, headers, body: textOf(body), caller, connection });
    } finally {
      this.#bodiesBytes -= bytes;
    }
    write(reply, answered);
    // Its connection is in use until it is whole.
    if (!reply.writableFinished && !reply.destroyed)
      await new Promise((resolve) => reply.once('close', resolve));
  }

  #serveHealth(reply: ServerResponse): void {
    const status = this.#stopping ? 'stopping' : 'ok';
    const body = JSON.stringify({ status, ...this.#options.health() });
    reply
      .writeHead(this.#stopping ? 503 : 200, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
      })
      .end(body);
  }

  #failed(error: unknown): void {
    this.#options.logger.error('a request was not answered', failureFields(error));
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const inUse = cause.code === 'EADDRINUSE';
        const what = inUse ? 'is in use' : `cannot be listened on (${cause.code ?? 'unknown'})`;
        reject(
          new PosternError(
            'ERR_POSTERN_CONFIG_MISCONFIGURED',
            `port ${port} of ${JSON.stringify(host)} ${what}`,
            {
              cause,
              hint: inUse
                ? 'Choose another with --port, or stop what uses it.'
                : 'Choose another --host or --port.',
            },
          ),
        );
      });
      this.#server.listen(port, host, () => {
        // What fails from now on, such as too many open files, is one connection's failure.
        this.#server.on('error', (error) => this.#failed(error));
        resolve();
      });
    });
  }
}

function allowReading(reply: ServerResponse, origin: string): void {
  reply.setHeader('access-control-allow-origin', origin);
  reply.setHeader('vary', 'origin');
  reply.setHeader('access-control-allow-methods', 'POST, GET, DELETE');
  reply.setHeader('access-control-allow-headers', '*, authorization');
  reply.setHeader('access-control-expose-headers', 'mcp-session-id, mcp-protocol-version, www-authenticate');
}

/** Turns a request away before its body is read; its connection ends with it, so that nobody has to read the rest. */
function refuse(
  reply: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = errorText(null, { code: rpcCodes.serverError, message });
  reply.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers }).end(body);
}

function write(reply: ServerResponse, answer: HttpAnswer, more: Record<string, string> = {}): void {
  if (reply.destroyed) return;
  const { status, headers, body } = answer;
  if (typeof body !== 'string') {
    reply.writeHead(status, { ...headers, ...more });
    body.attach(reply);
    return;
  }
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) };
  reply.writeHead(status, { ...headers, ...more, ...length }).end(body);
}

function headersOf({ headers }: IncomingMessage): RequestHeaders {
  const get = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  return { get, has: (name) => get(name) !== undefined };
}

function connectionOf(reply: ServerResponse): OutgoingConnection {
  return {
    get gone() {
      return reply.destroyed;
    },
    onClose: (listener) => void reply.once('close', listener),
  };
}

/** The whole body, of which no more is kept than may be. */
function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array | 'too large' | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    message.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size <= maxBytes) chunks.push(chunk);
      else resolve('too large');
    });
    message.once('end', () => {
      const [only = new Uint8Array()] = chunks;
      resolve(chunks.length < 2 ? only : Buffer.concat(chunks, size));
    });
    message.once('error', () => resolve('gone')).once('close', () => resolve('gone'));
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(body: Uint8Array | ''): string | undefined {
  if (body === '') return '';
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

function tooLarge({ maxBodyBytes }: HttpLimits): string {
  return `the body is larger than ${maxBodyBytes} bytes`;
}

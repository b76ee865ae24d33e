import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';

/** A message of JSON-RPC, as much of it as is looked at. */
export interface RpcMessage {
  readonly jsonrpc: string;
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What a call of a tool was answered with. */
export interface RpcToolResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
}

/** An MCP client without a library, of the plainest sort: it can show no links, no forms, nothing. */
export class JsonRpcClient {
  /** Every line that has come, in order: a line that is no message is a mistake of the server's. */
  readonly lines: string[] = [];
  readonly #input: Writable;
  readonly #waiting = new Map<number, PromiseWithResolvers<RpcMessage>>();
  #sent = 0;

  /** @param server its standard input and output. */
  constructor({ stdin, stdout }: { readonly stdin: Writable; readonly stdout: Readable }) {
    this.#input = stdin;
    // Whoever was killed hears nothing.
    stdin.on('error', () => {});
    createInterface(stdout)
      .on('line', (line) => this.#receive(line))
      .on('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the server has gone'));
      });
  }

  /** The handshake of the revision 2025-11-25. */
  async initialize(): Promise<void> {
    await this.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'plain', version: '1.0.0' },
    });
    this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** @throws {Error} when it is answered with an error, or the server goes. */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<RpcToolResult> {
    return (await this.request('tools/call', { name, arguments: args })) as RpcToolResult;
  }

  /** @throws {Error} when it is answered with an error, or the server goes. */
  async request(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#sent;
    const waiting = Promise.withResolvers<RpcMessage>();
    this.#waiting.set(id, waiting);
    this.#send({ jsonrpc: '2.0', id, method, params });
    const { error, result } = await waiting.promise;
    if (error !== undefined) throw new Error(`${error.code} ${error.message}`);
    return result;
  }

  #send(message: object): void {
    this.#input.write(`${JSON.stringify(message)}\n`);
  }

  #receive(line: string): void {
    this.lines.push(line);
    const message = parse(line);
    if (message?.id === undefined) return;
    this.#waiting.get(message.id)?.resolve(message);
    this.#waiting.delete(message.id);
  }
}

function parse(line: string): RpcMessage | undefined {
  try {
    return JSON.parse(line) as RpcMessage;
  } catch {
    return undefined;
  }
}

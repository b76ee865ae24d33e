import { isObject, rpcCodes, type Message, type RequestMessage } from '../../wire/message.ts';
import {
  mirroredHeaders,
  mirroredParameters,
  type MirroredParameter,
} from '../../wire/mirrored-parameters.ts';
import { requestHeaders } from '../../wire/request-headers.ts';
import type { Remote } from './legacy-remote.ts';
import type { RemoteOptions, RequestOptions } from './remote-options.ts';
import { StreamableHttp } from './streamable-http.ts';
import { textOf, type Answer } from './answer.ts';

/** What of a server's tools is remembered at most. */
const maxTools = 10_000;

/**
 * A server of 2026-07-28: each request stands for itself, says of which version it is, and is known by its headers. Whoever
 * waits no longer closes it.
 */
export class ModernRemote implements Remote {
  readonly #transport: StreamableHttp;
  readonly #options: RemoteOptions;
  /** What tools want mirrored, of those that want that. */
  readonly #mirrored = new Map<string, readonly MirroredParameter[]>();
  readonly #closed = new AbortController();

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#transport = new StreamableHttp(options);
  }

  async request(message: RequestMessage, options: RequestOptions = {}): Promise<Answer> {
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closed.signal])
      : this.#closed.signal;
    const answer = await this.#send(message, signal);
    if (message.method === 'tools/list') return this.#learn(answer);
    if (message.method !== 'tools/call' || !isHeaderMismatch(answer)) return answer;
    // The tool may want more in its headers than was known. A server that says so has not run it.
    const list: RequestMessage = {
      kind: 'request',
      id: 'postern:tools',
      method: 'tools/list',
      ...metaOf(message),
    };
    this.#learn(await this.#send(list, signal));
    return this.#send(message, signal);
  }

  /** Notifications of the host end requests, or say nothing that a server without sessions could use. */
  async notify(_message: Message): Promise<void> {}

  async close(): Promise<void> {
    this.#closed.abort(new DOMException('The bridge was closed.', 'AbortError'));
  }

  #send(message: RequestMessage, signal: AbortSignal): Promise<Answer> {
    const { method, params } = message;
    const name = params?.['name'];
    const mirrored =
      method === 'tools/call' && typeof name === 'string' ? this.#mirrored.get(name) : undefined;
    const headers = {
      ...requestHeaders(message),
      ...(mirrored && mirroredHeaders(mirrored, params?.['arguments'])),
    };
    return this.#transport.request(message, { headers, signal });
  }

  /** Remembers what tools want mirrored, and leaves out those that want it in a way that is not allowed. */
  #learn(answer: Answer): Answer {
    const tools = answer.kind === 'result' && isObject(answer.result) ? answer.result['tools'] : undefined;
    if (answer.kind !== 'result' || !Array.isArray(tools)) return answer;
    const bad = new Set<unknown>();
    for (const tool of tools as unknown[]) {
      if (!isObject(tool) || typeof tool['name'] !== 'string') continue;
      const mirrored = mirroredParameters(tool['inputSchema']);
      if (mirrored === undefined) bad.add(tool);
      else if (mirrored.length === 0) this.#mirrored.delete(tool['name']);
      else if (this.#mirrored.size < maxTools) this.#mirrored.set(tool['name'], mirrored);
    }
    if (bad.size === 0) return answer;
    const { logger, server } = this.#options;
    logger.warn('tools whose headers are not declared right are left out', { server, count: bad.size });
    const result = { ...(answer.result as object), tools: tools.filter((tool) => !bad.has(tool)) };
    const { jsonrpc, ...members } = JSON.parse(textOf(answer)) as Record<string, unknown>;
    return { ...answer, result, text: JSON.stringify({ jsonrpc, ...members, result }) };
  }
}

function isHeaderMismatch(answer: Answer): boolean {
  return answer.kind === 'error' && answer.error.code === rpcCodes.headerMismatch;
}

/** The parameters of a request that is made because of another. */
function metaOf({ params }: RequestMessage): { params?: Record<string, unknown> } {
  const meta = params?.['_meta'];
  if (!isObject(meta)) return {};
  const { progressToken: _progressToken, ...rest } = meta;
  return { params: { _meta: rest } };
}

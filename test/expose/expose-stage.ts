import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { startExpose, type Exposed, type ExposeOptions } from '../../src/expose/index.ts';

export const plainServer: string = fileURLToPath(new URL('fixtures/plain-server.ts', import.meta.url));

/** A stdio server of ours behind HTTP, which ends with the test. */
export async function expose(
  flags: readonly string[] = [],
  options: Partial<ExposeOptions> & { readonly program?: string } = {},
): Promise<Exposed> {
  const { program = plainServer, ...rest } = options;
  const exposed = await startExpose({
    command: {
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', program, ...flags],
    },
    port: 0,
    logger: silentLogger,
    ...rest,
    // Most of what a child costs is compiling.
    env: { NODE_COMPILE_CACHE: undefined, ...rest.env },
    limits: { graceMs: 0, ...rest.limits },
  });
  onTestFinished(() => exposed.stop());
  return exposed;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The messages of the answer, whether it came as JSON or as events. */
  readonly messages: readonly Readonly<Record<string, unknown>>[];
}

export const jsonHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const texts = isEvents ? [...text.matchAll(/^data: (.*)$/gmu)].map(([, data]) => data ?? '') : [text];
  const messages = texts
    .filter((json) => json !== '')
    .map((json) => JSON.parse(json) as Record<string, unknown>);
  return { status: response.status, headers: response.headers, text, messages };
}

/** A client of the revisions with sessions, in plain HTTP. */
export class LegacyClient {
  readonly url: string;
  readonly headers: Record<string, string>;
  sessionId = '';
  #lastId = 0;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.headers = { ...jsonHeaders, ...headers };
  }

  /** A client whose session has begun. */
  static async begin(
    url: string,
    {
      capabilities = {},
      headers = {},
      name = 'client',
    }: { capabilities?: object; headers?: Record<string, string>; name?: string } = {},
  ): Promise<LegacyClient> {
    const client = new LegacyClient(url, headers);
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name, version: '1' } };
    const {
      status,
      headers: answered,
      text,
    } = await client.send({ id: 'initialize', method: 'initialize', params });
    if (status !== 200) throw new Error(`initialize: ${status} ${text}`);
    client.sessionId = answered.get('mcp-session-id') ?? '';
    client.headers['mcp-session-id'] = client.sessionId;
    await client.send({ method: 'notifications/initialized' });
    return client;
  }

  post(body: string, signal?: AbortSignal): Promise<Response> {
    return fetch(this.url, { method: 'POST', headers: this.headers, body, ...(signal && { signal }) });
  }

  async send(message: object, signal?: AbortSignal): Promise<Answer> {
    return readAnswer(await this.post(JSON.stringify({ jsonrpc: '2.0', ...message }), signal));
  }

  call(name: string, args: object = {}, more: object = {}): Promise<Answer> {
    return this.send({
      id: ++this.#lastId,
      method: 'tools/call',
      params: { name, arguments: args, ...more },
    });
  }

  /** The text that a tool answers. */
  async text(name: string, args: object = {}): Promise<string> {
    return textIn(await this.call(name, args));
  }
}

export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A request of the revision 2026-07-28. */
export async function sendModern(
  url: string,
  { method, params = {}, id = 1 }: { method: string; params?: Record<string, unknown>; id?: string | number },
  {
    headers = {},
    signal,
    meta = {},
  }: { headers?: Record<string, string>; signal?: AbortSignal; meta?: object } = {},
): Promise<Response> {
  const name = params['name'] ?? params['uri'];
  return fetch(url, {
    method: 'POST',
    headers: {
      ...jsonHeaders,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: { ...params, _meta: { ...modernMeta, ...meta } },
    }),
    ...(signal && { signal }),
  });
}

export function textIn({ messages, text }: Answer): string {
  const result = messages.at(-1)?.['result'] as { content?: { text?: string }[] } | undefined;
  const found = result?.content?.[0]?.text;
  if (found === undefined) throw new Error(`no text in ${text}`);
  return found;
}

export function errorIn({ messages }: Answer): { code: number; message: string; data?: unknown } {
  return messages.at(-1)?.['error'] as { code: number; message: string; data?: unknown };
}

/** Waits until something holds. @throws {Error} when it does not within a generous time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

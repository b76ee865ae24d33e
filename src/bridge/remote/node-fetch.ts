import type { Agent, IncomingMessage, request } from 'node:http';

/** An idle connection is closed before most servers close it, so that no request meets one that is being closed. */
const idleMs = 4_000;

interface Way {
  readonly agent: Agent;
  readonly request: typeof request;
}

/** Loaded when it is first needed: a host that can be answered by what is known does not wait for it. */
async function openWay(protocol: string): Promise<Way> {
  const loaded = protocol === 'https:' ? await import('node:https') : await import('node:http');
  // The global agents of Node do this by themselves; one of our own is told.
  const isProxied = process.env['NODE_USE_ENV_PROXY'] === '1';
  const agent = new loaded.Agent({
    keepAlive: true,
    timeout: idleMs,
    ...(isProxied && { proxyEnv: process.env }),
  });
  return { agent, request: loaded.request };
}

/** Requests by `node:http`, which costs a third of the global `fetch`: what a bridge adds to a call is mostly this. */
export interface NodeFetch {
  /** As the global one, but for answers: their bodies are read from {@link NodeFetch.bodyOf}. */
  readonly fetch: typeof globalThis.fetch;
  /** The body of an answer of {@link NodeFetch.fetch}, to be read once. */
  readonly bodyOf: (response: Response) => IncomingMessage;
  readonly close: () => void;
}

/**
 * A way to send requests that honours `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` where Node is told to
 * (`NODE_USE_ENV_PROXY=1`), and `NODE_EXTRA_CA_CERTS` always. Follows no redirect.
 */
export function createNodeFetch(): NodeFetch {
  const bodies = new WeakMap<Response, IncomingMessage>();
  const ways = new Map<string, Promise<Way>>();
  const fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = input instanceof Request ? new URL(input.url) : new URL(input);
    let opening = ways.get(url.protocol);
    if (opening === undefined) ways.set(url.protocol, (opening = openWay(url.protocol)));
    const way = await opening;
    const { method = 'GET', body, signal, headers } = init;
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = way.request(
        url,
        {
          method,
          agent: way.agent,
          headers: Object.fromEntries(new Headers(headers)),
          ...(signal && { signal }),
        },
        resolve,
      );
      outgoing.on('error', reject);
      // An idle connection may be closed; one that is in use is waited for as long as its caller says.
      outgoing.on('socket', (socket) => socket.setTimeout(0));
      outgoing.end(typeof body === 'string' ? body : undefined);
    });
    const status = incoming.statusCode ?? 0;
    const response = new Response(null, {
      status: isReadable(status) ? status : 502,
      headers: headersOf(incoming),
    });
    bodies.set(response, incoming);
    return response;
  };
  return {
    fetch,
    bodyOf: (response) => {
      const body = bodies.get(response);
      if (body === undefined) throw new TypeError('the answer of another fetch');
      return body;
    },
    close: () => {
      for (const opening of ways.values()) void opening.then(({ agent }) => agent.destroy());
    },
  };
}

/** Whether a `Response` can have that status. */
function isReadable(status: number): boolean {
  return status >= 200 && status <= 599;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
  }
  return headers;
}

import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';
import { createCookieBrowser, type CookieBrowser } from '../../demo/browser.ts';
import {
  createAttempt,
  createOAuthHttp,
  discover,
  exchangeCode,
  identifyClient,
  validateCallback,
} from '../../src/oauth/index.ts';

/** What a client is able to do for a server that needs its person. */
export interface ClientKind {
  readonly era: '2026-07-28' | '2025-11-25';
  /** `url`: links and forms; `form`: forms only; `none`: neither. */
  readonly elicitation: 'url' | 'form' | 'none';
}

export interface ScriptedClientOptions extends Partial<ClientKind> {
  /** The MCP endpoint. */
  readonly url: string;
  readonly token: string;
  /** What the person does with a link before the client says that they accepted it. */
  readonly onLink?: ((link: string) => Promise<void>) | undefined;
  /** What the person enters in a form of the client. */
  readonly onForm?: (() => Record<string, string | number>) | undefined;
}

/** The official client, and everything that has passed between it and the server. */
export interface ScriptedClient extends AsyncDisposable {
  /** The links that the client was asked to show. */
  readonly links: readonly string[];
  /** Every byte of every request and response: what a model or a log of the client could see. */
  readonly traffic: readonly string[];
  call(tool: string, args?: Record<string, unknown>): Promise<CallToolResult>;
}

export async function connectScriptedClient(options: ScriptedClientOptions): Promise<ScriptedClient> {
  const { url, token, era = '2026-07-28', elicitation = 'url', onLink, onForm } = options;
  const links: string[] = [];
  const traffic: string[] = [];
  const capabilities = { url: { url: {}, form: {} }, form: { form: {} }, none: undefined }[elicitation];
  const client = new Client(
    { name: 'scripted', version: '1.0.0' },
    {
      capabilities: capabilities === undefined ? {} : { elicitation: capabilities },
      versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' },
    },
  );
  if (capabilities !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode === 'url') {
        links.push(params.url);
        await onLink?.(params.url);
        return { action: 'accept' };
      }
      const content = onForm?.();
      return content === undefined ? { action: 'decline' } : { action: 'accept', content };
    });
  }
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: recordingFetch(traffic),
  });
  await client.connect(transport);
  return {
    links,
    traffic,
    call: (name, args = {}) => client.callTool({ name, arguments: args }, { timeout: 40_000 }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Signs a person in to the MCP server, and returns the access token that their client calls with. */
export async function obtainAccessToken(
  url: string,
  user: string,
  browser: CookieBrowser = createCookieBrowser(),
): Promise<string> {
  const http = createOAuthHttp({ trustedBy: url });
  const discovery = await discover(url, undefined, http);
  // Never listened on: the browser stops before it gets there.
  const redirectUri = 'http://127.0.0.1/callback';
  const metadata = { clientName: 'A scripted client' };
  const client = await identifyClient({ discovery, redirectUri, metadata }, http);
  // The demo's server grants nothing to who asks for nothing.
  const { attempt, url: link } = await createAttempt(
    { discovery, client, redirectUri, scopes: ['openid'] },
    http,
  );
  const page = await browser.signIn(link, { user, stopBefore: ({ pathname }) => pathname === '/callback' });
  const { code } = validateCallback(attempt, new URL(page.url).searchParams);
  return (await exchangeCode(attempt, code, http)).accessToken;
}

export function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

function recordingFetch(traffic: string[]): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init) => {
    if (typeof init?.body === 'string') traffic.push(init.body);
    const response = await fetch(url, init);
    traffic.push(JSON.stringify([...response.headers]));
    if (response.body === null) return response;
    const decoder = new TextDecoder();
    let entry = '';
    const at = traffic.push(entry) - 1;
    const recorded = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          entry += decoder.decode(chunk, { stream: true });
          traffic[at] = entry;
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(recorded, { status: response.status, headers: response.headers });
  };
}

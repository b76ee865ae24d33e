/** An authorization server and a calendar behind it, as one `fetch`: the same for ever, so that old records still fit. */
export interface StubWorld {
  readonly fetch: typeof fetch;
  /** Requests seen, `METHOD path`, and for the token endpoint its grant type. */
  readonly seen: string[];
  /** Access tokens the calendar takes, by user. */
  readonly tokens: Map<string, string>;
}

export const serverUrl = 'https://calendar.example/mcp';
const issuer = 'https://accounts.example';

const documents: Readonly<Record<string, unknown>> = {
  'https://calendar.example/.well-known/oauth-protected-resource/mcp': {
    resource: serverUrl,
    authorization_servers: [issuer],
    scopes_supported: ['calendar:read'],
  },
  [`${issuer}/.well-known/oauth-authorization-server`]: {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
  },
};

export function createStubWorld(): StubWorld {
  const seen: string[] = [];
  const tokens = new Map<string, string>();
  let issued = 0;
  const world: StubWorld = {
    seen,
    tokens,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const method = init?.method ?? 'GET';
      const at = `${url.origin}${url.pathname}`;
      seen.push(`${method} ${url.pathname}`);
      if (documents[at] !== undefined) return Response.json(documents[at]);
      if (at === `${issuer}/register`) {
        return Response.json({ ...JSON.parse(bodyOf(init)), client_id: 'registered-once' }, { status: 201 });
      }
      if (at === `${issuer}/token`) {
        const form = new URLSearchParams(bodyOf(init));
        seen.push(`token ${form.get('grant_type') ?? ''}`);
        const user = /^(?:code|refresh)-of-(?<user>\w+)/u.exec(
          form.get('code') ?? form.get('refresh_token') ?? '',
        )?.groups?.['user'];
        if (user === undefined) return Response.json({ error: 'invalid_grant' }, { status: 400 });
        const token = `token-${++issued}-of-${user}`;
        tokens.set(token, user);
        return Response.json({
          access_token: token,
          token_type: 'Bearer',
          expires_in: 3600,
          refresh_token: `refresh-of-${user}`,
          scope: 'calendar:read',
        });
      }
      if (at === `${issuer}/revoke`) return new Response(null, { status: 200 });
      return answerMcp(tokens, init);
    },
  };
  return world;
}

function bodyOf(init: RequestInit | undefined): string {
  return init?.body instanceof URLSearchParams || typeof init?.body === 'string' ? `${init.body}` : '';
}

function answerMcp(tokens: ReadonlyMap<string, string>, init: RequestInit | undefined): Response {
  if (init?.method !== 'POST') return new Response(null, { status: 405 });
  const token = new Headers(init.headers).get('authorization')?.replace('Bearer ', '') ?? '';
  const user = tokens.get(token);
  if (user === undefined)
    return new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
  const { id, method, params } = JSON.parse(bodyOf(init)) as {
    id?: number;
    method: string;
    params?: { protocolVersion?: string };
  };
  if (id === undefined) return new Response(null, { status: 202 });
  const results: Record<string, unknown> = {
    initialize: {
      protocolVersion: params?.protocolVersion ?? '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'calendar', version: '1' },
    },
    'tools/list': { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: user }] },
  };
  const result = results[method];
  return Response.json(
    result === undefined
      ? { jsonrpc: '2.0', id, error: { code: -32601, message: 'unknown method' } }
      : { jsonrpc: '2.0', id, result },
  );
}

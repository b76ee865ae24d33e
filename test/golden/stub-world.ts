import { answerMcp } from '../support/minimal-mcp.ts';
import { programmableFetch, type Route } from '../support/programmable-fetch.ts';
import { responseOf } from '../support/programmable-reply.ts';

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

const documents: Readonly<Record<string, Route>> = {
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
  const world = programmableFetch({
    ...documents,
    [`${issuer}/register`]: ({ text }) =>
      Response.json({ ...JSON.parse(text), client_id: 'registered-once' }, { status: 201 }),
    [`${issuer}/token`]: ({ form }) => {
      seen.push(`token ${form.get('grant_type') ?? ''}`);
      const presented = form.get('code') ?? form.get('refresh_token') ?? '';
      const user = /^(?:code|refresh)-of-(?<user>\w+)/u.exec(presented)?.groups?.['user'];
      if (user === undefined) return Response.json({ error: 'invalid_grant' }, { status: 400 });
      const token = `token-${++issued}-of-${user}`;
      tokens.set(token, user);
      return {
        access_token: token,
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: `refresh-of-${user}`,
        scope: 'calendar:read',
      };
    },
    [`${issuer}/revoke`]: new Response(null),
    [serverUrl]: ({ method, text, headers }) => {
      const user = tokens.get(headers.get('authorization')?.replace('Bearer ', '') ?? '');
      if (user === undefined)
        return new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
      return responseOf(
        answerMcp({ method, text }, { name: 'calendar', tools: [{ name: 'whoami' }], call: () => user }),
      );
    },
  });
  return {
    seen,
    tokens,
    fetch: async (input, init = {}) => {
      const url = new URL(input instanceof Request ? input.url : input);
      seen.push(`${init.method ?? 'GET'} ${url.pathname}`);
      return world.fetch(`${url.origin}${url.pathname}`, init);
    },
  };
}

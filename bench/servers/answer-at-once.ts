const issuer = 'https://login.example';

export const serverUrl = 'https://mcp.example/mcp';

/** A `fetch` without a network: an MCP server that wants a login, and an authorization server that gives it. */
export function answerAtOnce(input: RequestInfo | URL): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  return Promise.resolve(answer(url));
}

function answer(url: URL): Response {
  switch (url.pathname) {
    case '/mcp':
      return new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    case '/.well-known/oauth-protected-resource/mcp':
      return Response.json({
        resource: serverUrl,
        authorization_servers: [issuer],
        scopes_supported: ['read'],
      });
    case '/.well-known/oauth-authorization-server':
      return Response.json(metadata);
    case '/register':
      return Response.json({ client_id: 'bench', token_endpoint_auth_method: 'none' }, { status: 201 });
    case '/token':
      return Response.json(tokens);
    default:
      return new Response(null, { status: 404 });
  }
}

const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none'],
};

const tokens = {
  access_token: 'a'.repeat(43),
  refresh_token: 'r'.repeat(43),
  token_type: 'Bearer',
  expires_in: 3600,
};

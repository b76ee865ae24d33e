// The Worker: `OAuthProvider` in its one-Worker shape, the application's two pages, and an MCP server of SDK v2.
import './host-clock.mjs';
import { authorizationErrorRedirect, OAuthProvider } from '@cloudflare/workers-oauth-provider';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { consentPage, loginPage } from '../../shared/pages.mjs';
import { setNow } from './host-clock.mjs';

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'workers-oauth-provider', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, (context) => ({
    content: [{ type: 'text', text: String(context.http?.authInfo?.extra?.sub) }],
  }));
  return server;
});

const show = (html) => new Response(html, { headers: { 'content-type': 'text/html' } });

async function authorize(request, env) {
  const { OAUTH_PROVIDER: oauth } = env;
  let asked;
  try {
    asked = await oauth.parseAuthRequest(new Request(request.url, { headers: request.headers }));
  } catch (error) {
    // As its documentation says: sent back where that is safe, else shown here.
    if (error.redirectTo) return Response.redirect(error.redirectTo, 302);
    return new Response(`<title>This sign-in cannot go on</title>${error.code ?? ''}`, {
      status: 400,
      headers: { 'content-type': 'text/html' },
    });
  }
  if (request.method === 'GET') return show(loginPage());
  const form = new URLSearchParams(await request.text());
  if (form.has('user')) return show(consentPage({ as: form.get('user') }));
  if (form.get('decision') !== 'allow')
    return Response.redirect(authorizationErrorRedirect(asked, 'access_denied'), 302);
  const { redirectTo } = await oauth.completeAuthorization({
    request: asked,
    userId: form.get('as'),
    scope: asked.scope,
    metadata: {},
    props: { user: form.get('as') },
  });
  return Response.redirect(redirectTo, 302);
}

async function revoke(env) {
  const { items } = await env.OAUTH_PROVIDER.listUserGrants('alice');
  for (const { id } of items) await env.OAUTH_PROVIDER.revokeGrant(id, 'alice');
  return new Response(String(items.length));
}

let provider;
function providerFor(env) {
  provider ??= new OAuthProvider({
    apiRoute: '/mcp',
    apiHandler: {
      fetch: (request, _env, context) =>
        mcp.fetch(request, {
          authInfo: { token: '', clientId: '', scopes: [], extra: { sub: context.props.user } },
        }),
    },
    defaultHandler: {
      async fetch(request, itsEnv) {
        const { pathname } = new URL(request.url);
        if (pathname === '/authorize') return authorize(request, itsEnv);
        if (pathname === '/control/revoke') return revoke(itsEnv);
        return new Response('Not found', { status: 404 });
      },
    },
    authorizeEndpoint: '/authorize',
    tokenEndpoint: '/oauth/token',
    clientRegistrationEndpoint: '/oauth/register',
    scopesSupported: ['mcp:tools', 'offline_access'],
    requiredScopes: ['mcp:tools'],
    accessTokenTTL: 300,
    resourceMetadata: { resource: `${env.ORIGIN}/mcp`, authorization_servers: [env.ORIGIN] },
  });
  return provider;
}

export default {
  async fetch(request, env, context) {
    setNow(Number(await (await env.CLOCK.fetch('http://clock/')).text()));
    return providerFor(env).fetch(request, env, context);
  },
};

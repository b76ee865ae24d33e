import { peerPath, type About, type Row } from '../row.ts';
import { tellAuthorizationStory, type AuthorizationPeer } from '../stories/authorization-story.ts';

function authorization(name: string, about: About<AuthorizationPeer>): Row {
  const { folder, script, short = false, ...peer } = about;
  return {
    name,
    part: 'authorization',
    folder,
    short,
    run: () => tellAuthorizationStory({ ...peer, script: peerPath(folder, script) }),
  };
}

/** Authorization servers, each with an MCP server behind it. */
export const authorizationRows: readonly Row[] = [
  authorization('SDK v1 router, rotating refresh tokens', { folder: 'sdk-v1', script: 'router.mjs' }),
  authorization('SDK v1 router, legacy SSE', { folder: 'sdk-v1', script: 'router.mjs', args: ['sse'] }),
  authorization('SDK v1 demo provider, no refresh tokens', { folder: 'sdk-v1', script: 'demo-provider.mjs' }),
  authorization('oidc-provider', { folder: 'oidc-provider', script: 'serve.mjs', short: true }),
  authorization('better-auth with oauth-provider', { folder: 'better-auth', script: 'serve.mjs' }),
  authorization('workers-oauth-provider under miniflare', {
    folder: 'workers-oauth-provider',
    script: 'serve.mjs',
  }),
  authorization('fastmcp OAuthProvider', { folder: 'fastmcp', script: 'oauth.mjs', whoami: /signed in/u }),
  authorization('mcp-use 1 before oidc-provider', {
    folder: 'mcp-use-1',
    script: 'oauth.mjs',
    env: { NODE_ENV: 'production' },
  }),
  authorization('mcp-use 2 before oidc-provider', { folder: 'mcp-use-2', script: 'oauth.mjs' }),
  authorization('openauth, preregistered', { folder: 'openauth', script: 'serve.mjs' }),
  authorization('oauth2-mock-server, preregistered', {
    folder: 'oauth2-mock-server',
    script: 'serve.mjs',
    whoami: /johndoe/u,
  }),
  authorization('SDK v2 server-legacy router', { folder: 'sdk-v2-legacy', script: 'router.mjs' }),
];

import { decodeJwt } from 'jose';
import type { Call, Override } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { bodyOf, changed, hasTokens, sendBack, type FakeProvider } from './fake-provider.ts';

const silentAboutIss = { authorization_response_iss_parameter_supported: undefined };
const noRegistration = { registration_endpoint: undefined };
const noRevocation = { revocation_endpoint: undefined };
const byHand = { clientId: 'by-hand', clientSecret: 'CNRYzsecretz-secret' };

/** Every provider that has a profile, and some that need none, by name. A new one each time: some remember. */
export const fakes: Readonly<Record<string, () => FakeProvider>> = {
  GitHub: () => ({
    name: 'GitHub',
    source: 'modelcontextprotocol/typescript-sdk#1342, vercel/ai#10899, github/github-mcp-server#1404',
    mcp: 'https://api.githubcopilot.com/mcp',
    issuer: 'https://github.com/login/oauth',
    server: {
      endpoints: {
        authorize: 'https://github.com/login/oauth/authorize',
        token: 'https://github.com/login/oauth/access_token',
      },
      metadata: {
        ...noRegistration,
        ...noRevocation,
        ...silentAboutIss,
        token_endpoint_auth_methods_supported: undefined,
      },
      resourceMetadata: { scopes_supported: ['repo', 'user:email'] },
    },
    replies: { token: githubReply, refresh: githubReply },
    auth: { client: byHand },
    revocation: 'unsupported',
  }),

  Google: () => {
    let isOffline = false;
    return {
      name: 'Google',
      source:
        'modelcontextprotocol/typescript-sdk#616, punkpeye/mcp-remote PR 258, preset-io/agor PR 2576, obot-platform/nanobot PR 332, github/copilot-cli#4606',
      mcp: 'https://bigquery.googleapis.com/mcp',
      issuer: 'https://accounts.google.com',
      server: {
        endpoints: {
          authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
          token: 'https://oauth2.googleapis.com/token',
          revoke: 'https://oauth2.googleapis.com/revoke',
        },
        metadataAt: ['https://accounts.google.com/.well-known/openid-configuration'],
        metadata: { ...noRegistration, ...silentAboutIss, scopes_supported: ['openid', 'offline_access'] },
        resourceMetadata: {
          authorization_servers: ['https://accounts.google.com/'],
          scopes_supported: ['https://www.googleapis.com/auth/bigquery'],
        },
        rotate: false,
      },
      replies: {
        authorize: (call) => {
          const { searchParams } = call.url;
          isOffline =
            searchParams.get('access_type') === 'offline' && searchParams.get('prompt') === 'consent';
          const scopes = searchParams.get('scope')?.split(' ') ?? [];
          return scopes.includes('offline_access') ? sendBack(call, 'invalid_scope') : undefined;
        },
        token: changed(({ refresh_token, ...body }) => ({
          body: { ...body, ...(isOffline && { refresh_token }) },
        })),
        // Only the handshake is open to anybody.
        resource: async (call, standard) =>
          call.method === 'POST' && !call.text.includes('"tools/call"') ? openToAnybody(call) : standard(),
      },
      auth: { client: byHand },
    };
  },

  'Microsoft Entra ID': () => ({
    name: 'Microsoft Entra ID',
    source:
      'anthropics/claude-code#73460, modelcontextprotocol/csharp-sdk#648, modelcontextprotocol/typescript-sdk PR 1111 and #832, anthropics/claude-ai-mcp#104',
    mcp: 'https://mcp.contoso.example/mcp',
    issuer: 'https://login.microsoftonline.com/organizations/v2.0',
    server: {
      endpoints: {
        authorize: 'https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize',
        token: 'https://login.microsoftonline.com/organizations/oauth2/v2.0/token',
      },
      metadataAt: ['https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration'],
      metadata: {
        ...noRegistration,
        ...noRevocation,
        ...silentAboutIss,
        issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
        code_challenge_methods_supported: undefined,
        scopes_supported: ['openid', 'offline_access'],
      },
      resourceMetadata: { scopes_supported: ['api://calendar/read'] },
    },
    replies: {
      authorize: (call) => {
        const { searchParams } = call.url;
        if (searchParams.has('resource')) return sendBack(call, 'invalid_target', 'AADSTS9010010: no match.');
        if (searchParams.get('prompt') === 'consent')
          return sendBack(call, 'access_denied', 'AADSTS90094: An administrator has to consent.');
        return undefined;
      },
      token: changed((body) => ({ body: { ...body, expires_in: '3599' } })),
      refresh: async (call, standard) => {
        if (call.form.get('scope')?.includes('api://calendar/read') !== true)
          return {
            status: 400,
            body: { error: 'invalid_grant', error_description: 'AADSTS650053: no scope.' },
          };
        return { body: { ...bodyOf(await standard()), expires_in: '3599' } };
      },
    },
    auth: { client: { clientId: 'by-hand' } },
    revocation: 'unsupported',
  }),

  Slack: () => ({
    name: 'Slack',
    source:
      'anthropics/claude-code#52348 and #59725, CommandCodeAI/command-code#610, slackapi/slack-skills-plugin#2, microsoft/vscode#293533',
    mcp: 'https://mcp.slack.com/mcp',
    issuer: 'https://mcp.slack.com',
    server: {
      endpoints: {
        authorize: 'https://slack.com/oauth/v2_user/authorize',
        token: 'https://slack.com/api/oauth.v2.user.access',
        revoke: 'https://slack.com/api/auth.revoke',
      },
      metadata: { ...noRegistration, ...silentAboutIss, issuer: 'https://slack.com' },
      resourceMetadata: { scopes_supported: ['search:read', 'chat:write'] },
    },
    replies: {
      authorize: (call) =>
        call.url.searchParams.get('scope') === 'search:read,chat:write'
          ? undefined
          : sendBack(call, 'invalid_scope'),
      token: async (_call, standard) => {
        const reply = await standard();
        if (!hasTokens(reply)) return { body: { ok: false, error: 'invalid_code' } };
        const { access_token } = bodyOf(reply);
        const scope = 'search:read,chat:write';
        const user = { id: 'U1', access_token, token_type: 'user', scope, expires_in: 3599 };
        return { body: { ok: true, app_id: 'A1', access_token: '', authed_user: user } };
      },
      revoke: async (_call, standard) => {
        await standard();
        return { body: { ok: true, revoked: true } };
      },
    },
    // What this operator's app accepts: they know it better than we do.
    auth: { client: byHand, profile: { redirectUris: ['loopback'] } },
    cannotRefresh: true,
  }),

  Asana: () => ({
    name: 'Asana',
    source: 'apify/mcpc#384, anthropics/claude-code#58091',
    mcp: 'https://mcp.asana.com/v2/mcp',
    issuer: 'https://app.asana.com',
    server: {
      endpoints: {
        authorize: 'https://app.asana.com/-/oauth_authorize',
        token: 'https://app.asana.com/-/oauth_token',
        revoke: 'https://app.asana.com/-/oauth_revoke',
      },
      metadata: { ...noRegistration, ...silentAboutIss },
    },
    replies: { token: confidential, refresh: confidential },
    auth: { client: byHand },
  }),

  Sentry: () => ({
    name: 'Sentry',
    source: 'danny-avila/LibreChat PR 12164, getsentry/sentry-mcp PR 743',
    mcp: 'https://mcp.sentry.dev/mcp',
    issuer: 'https://mcp.sentry.dev',
    server: {
      endpoints: {
        authorize: 'https://mcp.sentry.dev/oauth/authorize',
        token: 'https://mcp.sentry.dev/oauth/token',
        register: 'https://mcp.sentry.dev/oauth/register',
        revoke: 'https://mcp.sentry.dev/oauth/revoke',
      },
    },
    replies: {
      'resource-metadata': () => ({ status: 404 }),
      resource: async (_call, standard) => {
        const reply = await standard();
        return 'status' in reply && reply.status === 401
          ? { status: 401, headers: { 'www-authenticate': 'Bearer' } }
          : reply;
      },
    },
  }),

  Stripe: () => ({
    name: 'Stripe',
    source: 'stripe/ai#288',
    mcp: 'https://mcp.stripe.com/',
    issuer: 'https://access.stripe.com/mcp',
  }),

  Cloudflare: () => ({
    name: 'Cloudflare',
    source: 'cloudflare/mcp PR 137, cloudflare/workers-oauth-provider PR 216',
    mcp: 'https://observability.mcp.cloudflare.com/mcp',
    issuer: 'https://observability.mcp.cloudflare.com',
    server: { spentBy: 'use' },
  }),

  Auth0: () => {
    let isForApi = false;
    const forApi = changed((body) => ({ body: isForApi ? body : { ...body, access_token: 'opaque' } }));
    return {
      name: 'Auth0',
      source: 'danny-avila/LibreChat#13401, zuplo/docs PR 1028',
      mcp: 'https://mcp.acme.example/mcp',
      issuer: 'https://acme.us.auth0.com/',
      server: {
        endpoints: {
          authorize: 'https://acme.us.auth0.com/authorize',
          token: 'https://acme.us.auth0.com/oauth/token',
          register: 'https://acme.us.auth0.com/oidc/register',
          revoke: 'https://acme.us.auth0.com/oauth/revoke',
        },
        metadata: silentAboutIss,
      },
      replies: {
        authorize: (call) => {
          isForApi = call.url.searchParams.get('audience') === 'https://mcp.acme.example/mcp';
          return undefined;
        },
        token: forApi,
        refresh: forApi,
      },
    };
  },

  Okta: () => ({
    name: 'Okta',
    source: 'modelcontextprotocol/modelcontextprotocol#695, MCPJam/inspector#1002',
    mcp: 'https://mcp.acme.example/mcp',
    issuer: 'https://acme.okta.com/oauth2/default',
    server: {
      endpoints: {
        authorize: 'https://acme.okta.com/oauth2/default/v1/authorize',
        token: 'https://acme.okta.com/oauth2/default/v1/token',
        revoke: 'https://acme.okta.com/oauth2/default/v1/revoke',
        register: 'https://acme.okta.com/oauth2/v1/clients',
      },
      metadataAt: ['https://acme.okta.com/oauth2/default/.well-known/openid-configuration'],
    },
    replies: {
      register: () => ({ status: 403, body: { errorCode: 'E0000005', errorSummary: 'Invalid session' } }),
    },
    auth: { client: { clientId: 'by-hand' } },
  }),

  Keycloak: () => ({
    name: 'Keycloak',
    source: 'l10178/idaas-book PR 243, keycloak/keycloak#43514',
    mcp: 'https://mcp.acme.example/mcp',
    issuer: 'https://sso.acme.example/realms/staff',
    server: {
      endpoints: {
        authorize: 'https://sso.acme.example/realms/staff/protocol/openid-connect/auth',
        token: 'https://sso.acme.example/realms/staff/protocol/openid-connect/token',
        revoke: 'https://sso.acme.example/realms/staff/protocol/openid-connect/revoke',
        register: 'https://sso.acme.example/realms/staff/clients-registrations/openid-connect',
      },
      metadata: { scopes_supported: ['openid', 'offline_access'] },
      resourceMetadata: { scopes_supported: ['calendar'] },
    },
    replies: {
      // Whoever has consented is not asked once more.
      authorize: (call) =>
        call.url.searchParams.has('prompt')
          ? sendBack(call, 'consent_required', undefined, 'https://sso.acme.example/realms/staff')
          : undefined,
    },
  }),

  Bluesky: () => {
    let nonce = 0;
    const answer: Override = async (call, standard) => {
      const proof = call.headers['dpop'];
      if (typeof proof !== 'string') return { status: 400, body: { error: 'invalid_dpop_proof' } };
      const isCurrent = decodeJwt(proof)['nonce'] === `n${nonce}`;
      const isRefresh = call.kind === 'refresh';
      const isEmpty = isRefresh && !call.form.has('refresh_token');
      // It takes the refresh token, and only then looks at the proof.
      const reply = isEmpty || (!isRefresh && !isCurrent) ? undefined : await standard();
      const headers = { 'dpop-nonce': `n${++nonce}` };
      if (!isCurrent) return { status: 400, headers, body: { error: 'use_dpop_nonce' } };
      if (reply === undefined) return { status: 400, headers, body: { error: 'invalid_request' } };
      return { ...reply, headers };
    };
    return {
      name: 'Bluesky',
      source: 'bluesky-social/atproto#3859, #3852 and #4656',
      mcp: 'https://mcp.social.example/mcp',
      issuer: 'https://bsky.social',
      server: {
        metadata: {
          ...noRegistration,
          require_pushed_authorization_requests: true,
          pushed_authorization_request_endpoint: 'https://bsky.social/par',
        },
      },
      replies: { token: answer, refresh: answer },
      auth: { client: { clientId: 'https://bot.example/client-metadata.json' } },
    };
  },

  Figma: () => ({
    name: 'Figma',
    source: 'github/copilot-cli#4906',
    mcp: 'https://mcp.figma.com/mcp',
    issuer: 'https://api.figma.com',
    server: {
      endpoints: {
        authorize: 'https://www.figma.com/oauth/mcp',
        token: 'https://api.figma.com/v1/oauth/token',
        register: 'https://api.figma.com/v1/oauth/mcp/register',
      },
      metadata: noRevocation,
    },
    replies: {
      register: () => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: 'Forbidden' }),
    },
    auth: { client: byHand },
    revocation: 'unsupported',
  }),

  Supabase: () => ({
    name: 'Supabase',
    source: 'supabase/mcp#355, supabase/auth#2829',
    mcp: 'https://mcp.supabase.com/mcp',
    issuer: 'https://api.supabase.com',
    server: { metadata: noRevocation },
    revocation: 'unsupported',
  }),

  Salesforce: () => ({
    name: 'Salesforce',
    source: 'forcedotcom/mcp-hosted#47 and #44',
    mcp: 'https://api.salesforce.com/platform/mcp/v1/sobject-reads',
    issuer: 'https://api.salesforce.com/platform/mcp/v1/sobject-reads',
    server: {
      endpoints: {
        authorize: 'https://login.salesforce.com/services/oauth2/authorize',
        token: 'https://login.salesforce.com/services/oauth2/token',
        revoke: 'https://login.salesforce.com/services/oauth2/revoke',
      },
      metadata: {
        ...noRegistration,
        ...silentAboutIss,
        issuer: 'https://login.salesforce.com',
        code_challenge_methods_supported: undefined,
      },
    },
    auth: { client: { clientId: 'by-hand' } },
  }),

  'monday.com': () => ({
    name: 'monday.com',
    source: 'mondaycom/mcp#453',
    mcp: 'https://mcp.monday.com/mcp',
    issuer: 'https://auth.monday.com/mcp',
    server: {
      endpoints: {
        authorize: 'https://auth.monday.com/oauth2/authorize',
        token: 'https://auth.monday.com/oauth2/token',
        register: 'https://auth.monday.com/oauth2/register',
        revoke: 'https://auth.monday.com/oauth2/revoke',
      },
    },
    replies: {
      authorize: async (_call, standard) => {
        const reply = await standard();
        const location = new URL(('headers' in reply && reply.headers?.['location']) || '');
        location.searchParams.set('iss', 'https://auth.monday.com');
        return { ...reply, headers: { location: location.href } };
      },
    },
  }),

  Holded: () => ({
    name: 'Holded',
    source: 'aaif-goose/goose#11235',
    mcp: 'https://mcp.holded.com/mcp',
    issuer: 'https://mcp.holded.com',
    server: { metadata: noRevocation },
    replies: { token: longLived },
    revocation: 'unsupported',
    cannotRefresh: true,
  }),

  Meta: () => ({
    name: 'Meta',
    source: 'anthropics/claude-code#86430',
    mcp: 'https://mcp.facebook.com/ads',
    issuer: 'https://mcp.facebook.com',
    server: { metadata: noRevocation },
    replies: { token: longLived },
    revocation: 'unsupported',
    cannotRefresh: true,
  }),

  Plane: () => ({
    name: 'Plane',
    source: 'makeplane/plane-mcp-server#220',
    mcp: 'https://mcp.plane.so/http/mcp',
    issuer: 'https://mcp.plane.so',
    server: { metadata: noRevocation },
    revocation: 'unsupported',
  }),
};

const longLived: Override = changed(({ refresh_token: _none, expires_in: _never, ...body }) => ({ body }));

async function confidential(call: Call, standard: () => Promise<Reply>): Promise<Reply> {
  const { authorization = '' } = call.headers;
  const isProven = atob(authorization.replace('Basic ', '')) === 'by-hand:CNRYzsecretz-secret';
  return isProven ? standard() : { status: 401, body: { error: 'invalid_client' } };
}

/** Everything with status 200: errors as JSON under its own names, tokens form-encoded, scopes between commas. */
async function githubReply(call: Call, standard: () => Promise<Reply>): Promise<Reply> {
  if (call.form.get('client_secret') !== 'CNRYzsecretz-secret')
    return { body: { error: 'incorrect_client_credentials', error_description: 'CNRYzsecretz-words' } };
  const reply = await standard();
  if (!hasTokens(reply))
    return { body: { error: call.kind === 'refresh' ? 'bad_refresh_token' : 'bad_verification_code' } };
  const { scope, ...body } = bodyOf(reply);
  const fields = Object.entries({ ...body, scope: String(scope).replaceAll(' ', ',') });
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams(fields).toString(),
  };
}

function openToAnybody(call: Call): Reply {
  const { id, method } = JSON.parse(call.text) as { id?: number; method: string };
  if (id === undefined) return { status: 202 };
  const result =
    method === 'initialize'
      ? {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'bigquery', version: '1' },
        }
      : { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] };
  return { body: { jsonrpc: '2.0', id, result } };
}

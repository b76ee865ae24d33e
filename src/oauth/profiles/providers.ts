import type { IssuerProfile } from './issuer-profile.ts';

/** A provider as it is met, and what is done about it. */
export interface Provider {
  readonly name: string;
  /** Of its issuers and their endpoints; `*.` for all below. */
  readonly hosts?: readonly string[] | undefined;
  /** Of its MCP servers. */
  readonly servers?: readonly string[] | undefined;
  /** A part of its endpoints' paths, where everybody runs it at a host of their own. Nothing that lowers security hangs on it. */
  readonly endpointPath?: string | undefined;
  /** Empty where the general reading copes with it. */
  readonly profile: IssuerProfile;
  /** How it is met, and what Postern does, for `docs/providers.md`. */
  readonly met: readonly string[];
  /** Where that was reported, or written down by the provider. */
  readonly sources: readonly string[];
}

/** Every provider that is known by name. Data only; `docs/providers.md` is made from it. */
export const providers: readonly Provider[] = [
  {
    name: 'GitHub',
    hosts: ['github.com', '*.ghe.com'],
    servers: ['api.githubcopilot.com'],
    profile: {
      registration: 'closed',
      clientSecret: 'required',
      clientSecretMethod: 'client_secret_post',
      loopbackPort: 'any',
      grantedScopeSeparator: ',',
      errorAliases: {
        bad_refresh_token: 'invalid_grant',
        bad_verification_code: 'invalid_grant',
        incorrect_client_credentials: 'invalid_client',
        redirect_uri_mismatch: 'invalid_request',
      },
      hints: {
        registration:
          'Register a GitHub App or an OAuth app by hand, and configure its client id and secret.',
        clientSecret: 'GitHub wants the client secret in spite of PKCE: configure it as "clientSecret".',
      },
    },
    met: [
      'Errors of the token endpoint come with status 200, under names of its own: they are read as errors.',
      'A reply may be form-encoded: it is read as one.',
      'The client secret is required in spite of PKCE, and nobody registers by themselves: both are said before a person gets a link.',
      'Scopes are separated by commas in replies. Any port of this machine is accepted.',
    ],
    sources: ['modelcontextprotocol/typescript-sdk#1342', 'vercel/ai#10899', 'github/github-mcp-server#1404'],
  },
  {
    name: 'Google',
    hosts: ['accounts.google.com', 'oauth2.googleapis.com'],
    profile: {
      // A refresh token comes only for both, and `offline_access` is refused as an unknown scope.
      authorizeParams: { access_type: 'offline', prompt: 'consent' },
      omitOfflineAccess: true,
      registration: 'closed',
      loopbackPort: 'any',
      // The administrator has not allowed the application, or it is for one organisation alone.
      organisationErrors: ['access_not_configured', 'admin_policy_enforced', 'org_internal'],
      errorAliases: {
        deleted_client: 'invalid_client',
        disabled_client: 'invalid_client',
        rate_limit_exceeded: 'temporarily_unavailable',
        redirect_uri_mismatch: 'invalid_request',
      },
      hints: {
        registration:
          'Create an OAuth client in the Google Cloud console, and configure its client id and secret.',
      },
    },
    met: [
      'It has OpenID metadata only, and no registration: the one is found, the other is said before a person gets a link.',
      'A refresh token comes for `access_type=offline` and `prompt=consent`, which are sent; `offline_access` is never asked for.',
      'A refresh that brings no new refresh token keeps the old one.',
      'Servers name the issuer with a slash that its metadata does not have: the two are one.',
      'A server that answers its handshake to anybody, and refuses the first call, is signed in to then.',
    ],
    sources: [
      'modelcontextprotocol/typescript-sdk#616',
      'punkpeye/mcp-remote PR 258',
      'preset-io/agor PR 2576',
      'obot-platform/nanobot PR 332',
      'home-assistant/core#180546',
      'github/copilot-cli#4606',
    ],
  },
  {
    name: 'Microsoft Entra ID',
    hosts: [
      'login.microsoftonline.com',
      'login.microsoftonline.us',
      'login.partner.microsoftonline.cn',
      '*.ciamlogin.com',
      'sts.windows.net',
    ],
    profile: {
      // A `resource` that does not match the scopes is refused, and a refresh without scopes loses them.
      omitResource: true,
      refreshScope: 'granted',
      organisationErrors: [
        // An administrator has to consent.
        'AADSTS90093',
        'AADSTS90094',
        'AADSTS90095',
        'AADSTS650051',
        'AADSTS650052',
        'AADSTS650056',
        'AADSTS900941',
        // The application is switched off for the tenant.
        'AADSTS7000112',
        // The person is not assigned to it, or not of the tenant.
        'AADSTS50020',
        'AADSTS50105',
        // Conditional Access, which the person cannot change.
        'AADSTS53000',
        'AADSTS53001',
        'AADSTS53002',
        'AADSTS53003',
      ],
      // Where an administrator has consented for everybody, asking again leads to "Approval required".
      omitConsentPrompt: true,
      pkceUnadvertised: true,
      registration: 'closed',
      statedIssuers: [
        'https://login.microsoftonline.com/{tenantid}/v2.0',
        'https://sts.windows.net/{tenantid}/',
      ],
      errorAliases: {
        // The refresh token has ended, was revoked, or needs the person.
        AADSTS50076: 'invalid_grant',
        AADSTS50079: 'invalid_grant',
        AADSTS50173: 'invalid_grant',
        AADSTS65001: 'invalid_grant',
        AADSTS700082: 'invalid_grant',
        AADSTS700084: 'invalid_grant',
        // The client, or its secret, has.
        AADSTS700016: 'unauthorized_client',
        AADSTS7000215: 'invalid_client',
        AADSTS7000222: 'invalid_client',
        // It will pass.
        AADSTS50196: 'temporarily_unavailable',
        AADSTS90033: 'temporarily_unavailable',
        // The person said no.
        AADSTS65004: 'access_denied',
        // What was asked for does not go together.
        AADSTS650053: 'invalid_scope',
        AADSTS901002: 'invalid_target',
        AADSTS9010010: 'invalid_target',
      },
      hints: {
        registration:
          'Register an application in the Microsoft Entra admin center, and configure its client id, and its secret if it has one.',
      },
    },
    met: [
      '`resource` is not sent: with scopes of another resource it is refused (AADSTS9010010, AADSTS901002).',
      'Scopes are repeated on every refresh, qualified as they were granted (else AADSTS650053).',
      '`expires_in` may be a text. PKCE works, and is not advertised. The metadata of a tenant alias names the issuer as a template.',
      'Codes that stand only in a description (AADSTS…) are read: a dead grant, a dead client, what will pass, an organisation’s policy.',
      'No consent is asked for by `prompt`, and nobody registers by themselves.',
    ],
    sources: [
      'anthropics/claude-code#73460',
      'modelcontextprotocol/csharp-sdk#648',
      'modelcontextprotocol/typescript-sdk PR 1111',
      'modelcontextprotocol/typescript-sdk#832',
      'modelcontextprotocol/csharp-sdk PR 1801',
      'anthropics/claude-code#2527',
      'anthropics/claude-ai-mcp#104',
    ],
  },
  {
    name: 'Slack',
    hosts: ['slack.com', 'mcp.slack.com'],
    profile: {
      bearerTokenTypes: ['bot', 'user'],
      scopeSeparator: ',',
      tokenMember: 'authed_user',
      successMember: 'ok',
      registration: 'closed',
      statedIssuers: ['https://slack.com'],
      redirectUris: ['https', 'http://localhost:3118/callback'],
      errorAliases: {
        bad_client_secret: 'invalid_client',
        invalid_client_id: 'invalid_client',
        invalid_auth: 'invalid_grant',
        invalid_code: 'invalid_grant',
        invalid_refresh_token: 'invalid_grant',
        token_expired: 'invalid_grant',
        token_revoked: 'invalid_grant',
        internal_error: 'server_error',
        fatal_error: 'server_error',
        service_unavailable: 'temporarily_unavailable',
        ratelimited: 'temporarily_unavailable',
        bad_redirect_uri: 'invalid_request',
      },
      hints: {
        registration: 'Create a Slack app, and configure its client id and secret.',
        redirectUri:
          'Slack sends people back to https, or to http://localhost:3118/callback for its own public client. Give this program such an address, or say in "profile" what your app accepts ("redirectUris").',
      },
    },
    met: [
      'Every reply has status 200, and says `ok: false` when it failed: a revocation, too, counts only when it is `true`.',
      'The person’s tokens stand under `authed_user`; what has no token there either is refused, and never kept.',
      'Issuer and endpoints are on different hosts, and the metadata names another issuer than the server does.',
      'Redirect URIs other than https, and the one of its public client, are refused when the sign-in begins. Nobody registers by themselves.',
      'A token lives for an hour and no refresh token comes: the next sign-in is offered when it has ended.',
    ],
    sources: [
      'anthropics/claude-code#52348',
      'nicobailon/pi-mcp-adapter PR 53',
      'CommandCodeAI/command-code#610',
      'anthropics/claude-code#59725',
      'slackapi/slack-skills-plugin#2',
      'microsoft/vscode#293533',
      'api.slack.com/methods/oauth.v2.exchange',
    ],
  },
  {
    name: 'Asana',
    hosts: ['app.asana.com'],
    servers: ['mcp.asana.com'],
    profile: {
      registration: 'closed',
      clientSecret: 'required',
      loopbackPort: 'exact',
      hints: {
        registration:
          'Register an MCP app in Asana’s developer console, and configure its client id and secret.',
        clientSecret: 'Asana has confidential clients only: configure the "clientSecret" of your app.',
      },
    },
    met: [
      'There is neither registration nor a client metadata document, and clients have a secret: both are said before a person gets a link.',
      'Redirect URIs are compared exactly, port included: with the client’s `redirectUris` a misfit is said when the sign-in begins.',
    ],
    sources: ['apify/mcpc#384', 'anthropics/claude-code#58091'],
  },
  {
    name: 'Sentry',
    servers: ['mcp.sentry.dev'],
    profile: {},
    met: [
      'Metadata stands at the root only, and there was none of the resource before January 2026: the root is looked at, and refreshes go to the endpoint that was recorded.',
    ],
    sources: ['danny-avila/LibreChat PR 12164', 'getsentry/sentry-mcp PR 743'],
  },
  {
    name: 'Stripe',
    hosts: ['access.stripe.com'],
    servers: ['mcp.stripe.com'],
    profile: {
      hints: {
        registration:
          'Stripe keeps a list of redirect URIs: whoever runs this program has to ask Stripe by e-mail (mcp@stripe.com) to add this one.',
      },
    },
    met: [
      'Authorization is on another host than the server: it is found by its metadata.',
      'A redirect URI that is not on its list is refused at registration; the error says whom to write to.',
    ],
    sources: ['obot-platform/obot#4278', 'stripe/ai#288'],
  },
  {
    name: 'Cloudflare',
    servers: ['*.mcp.cloudflare.com', 'mcp.cloudflare.com'],
    profile: {},
    met: [
      'A grant that is dead upstream ends here: one renewal, one question to the person, no storm.',
      'A refresh whose answer was lost may be sent once more with the same token.',
      'An authorization endpoint that answers 500 leaves the link good.',
    ],
    sources: [
      'cloudflare/mcp PR 137',
      'cloudflare/workers-oauth-provider PR 216',
      'dodopayments/dodopayments-typescript PR 291',
    ],
  },
  {
    name: 'Auth0',
    hosts: ['*.auth0.com'],
    profile: {
      // Without its compatibility profile `resource` is not looked at, and the token is for nothing in particular.
      renameParams: { resource: 'audience' },
      omitConsentPrompt: true,
      hints: {
        registration:
          'Turn on dynamic registration for the Auth0 tenant, or register an application there by hand and configure its client id.',
      },
    },
    met: [
      '`resource` is sent as `audience`, which Auth0 takes with its compatibility profile and without.',
      'A client that registered itself may be born without a way to log in: its tenant’s administrator has to enable a connection for it.',
    ],
    sources: ['danny-avila/LibreChat#13401', 'zuplo/docs PR 1028', 'danny-avila/LibreChat PR 8691'],
  },
  {
    name: 'Okta',
    hosts: ['*.okta.com', '*.oktapreview.com', '*.okta-emea.com', '*.okta-gov.com'],
    profile: {
      // Its registration endpoint takes an API token of the organisation, which nobody has to give away.
      registration: 'closed',
      omitConsentPrompt: true,
      loopbackPort: 'exact',
      // It puts a code into its own log, and a sentence into the answer.
      organisationErrors: [
        'user_not_assigned',
        'User is not assigned to the client application',
        'Policy evaluation failed for this request, please check the policy configurations',
      ],
      hints: {
        registration:
          'The registration that Okta advertises needs an API token: its administrator registers a client by hand, whose id you configure.',
      },
    },
    met: [
      'The registration endpoint it advertises needs an API token: it is not tried, and the administrator’s part is said.',
      'Issuers have paths (`/oauth2/default`): their metadata is found at each of the places it may be.',
    ],
    sources: ['modelcontextprotocol/modelcontextprotocol#695', 'MCPJam/inspector#1002'],
  },
  {
    name: 'Keycloak',
    endpointPath: '/protocol/openid-connect/',
    profile: {
      omitConsentPrompt: true,
      hints: {
        registration:
          'The realm’s administrator has to allow this host in its client registration policies ("Trusted Hosts"), or to register a client by hand whose id you configure.',
      },
    },
    met: [
      '“Trusted Hosts” refuses registrations from hosts it does not know: the error says that the realm’s administrator has to act.',
      'A `resource` that the realm does not know is `invalid_target`: it ends the sign-in at once, and `omitResource` in the profile leaves it out.',
    ],
    sources: [
      'opensearch-project/opensearch-mcp-server-py PR 227',
      'keycloak/keycloak#43514',
      'l10178/idaas-book PR 243',
    ],
  },
  {
    name: 'Bluesky',
    hosts: ['bsky.social'],
    profile: { dpop: 'always', dpopNonceFirst: true },
    met: [
      'Tokens are always bound to a key.',
      'A refresh token is spent before the proof is looked at: a fresh nonce is fetched first, without it.',
      'The nonce may change with every answer, also with that to a request that was sent again: the newest is kept.',
      'Presenting a spent refresh token voids the session: it is presented once, by one process.',
    ],
    sources: ['bluesky-social/atproto#4656', 'bluesky-social/atproto#3859', 'bluesky-social/atproto#3852'],
  },
  {
    name: 'Figma',
    hosts: ['www.figma.com', 'api.figma.com'],
    servers: ['mcp.figma.com'],
    profile: {
      hints: {
        registration:
          'Figma registers only clients whose name it knows: whoever runs this program has to apply at Figma, or to register an app by hand and configure its client id.',
      },
    },
    met: [
      'Registration is refused by the client’s name (403, plain text): the error says who has to apply where.',
    ],
    sources: ['github/copilot-cli#4906'],
  },
  {
    name: 'Supabase',
    hosts: ['api.supabase.com', '*.supabase.co'],
    servers: ['mcp.supabase.com'],
    profile: {
      errorAliases: {
        refresh_token_already_used: 'invalid_grant',
        refresh_token_not_found: 'invalid_grant',
        session_expired: 'invalid_grant',
        session_not_found: 'invalid_grant',
        over_request_rate_limit: 'temporarily_unavailable',
      },
    },
    met: [
      'A client that it has forgotten is answered 422 at the authorization endpoint, without a redirect: the next time the link is followed, as a client that is new.',
      'A refresh token that it does not know is said in `error_code`: it ends the grant as `invalid_grant` does.',
    ],
    sources: ['supabase/mcp#355', 'supabase/auth#2829'],
  },
  {
    name: 'Salesforce',
    hosts: ['*.salesforce.com'],
    profile: {
      pkceUnadvertised: true,
      registration: 'closed',
      statedIssuers: ['https://login.salesforce.com', 'https://test.salesforce.com'],
      hints: {
        registration: 'Create an External Client App in Salesforce setup, and configure its consumer key.',
      },
    },
    met: [
      'PKCE with S256 works, and is not advertised: it is used all the same.',
      'The metadata of a server names the login host as its issuer.',
    ],
    sources: ['forcedotcom/mcp-hosted#47', 'forcedotcom/mcp-hosted#44'],
  },
  {
    name: 'monday.com',
    hosts: ['auth.monday.com'],
    servers: ['mcp.monday.com'],
    profile: { statedIssuers: ['https://auth.monday.com'] },
    met: [
      'The callback’s `iss` is the issuer without its path: this one other name is accepted, and said in the log.',
    ],
    sources: ['mondaycom/mcp#453'],
  },
  {
    name: 'Holded and Meta',
    servers: ['mcp.holded.com', 'mcp.facebook.com'],
    profile: {},
    met: [
      'Tokens live long and no refresh token comes: they are used until the server refuses them, and then a sign-in is offered.',
    ],
    sources: ['aaif-goose/goose#11235', 'anthropics/claude-code#86430'],
  },
  {
    name: 'Plane',
    servers: ['mcp.plane.so'],
    profile: {
      hints: {
        registration:
          'Plane refuses redirect URIs that it does not know: its operator has to allow this one.',
        redirectUri: 'Plane refuses redirect URIs that it does not know: its operator has to allow this one.',
      },
    },
    met: [
      'It registers a redirect URI and refuses it afterwards: the link stays good, and the next visit goes out as a client that is new.',
    ],
    sources: ['makeplane/plane-mcp-server#220'],
  },
];

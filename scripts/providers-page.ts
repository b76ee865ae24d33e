import type { IssuerProfile } from '../src/oauth/profiles/issuer-profile.ts';
import { providers, type Provider } from '../src/oauth/profiles/providers.ts';

/** What each field of a profile says, in the order of a sign-in. */
const fields: Readonly<Record<keyof IssuerProfile, string>> = {
  registration: '`closed`: nobody registers by themselves, whatever the metadata says; it is not tried',
  clientSecret: '`required`: a client that was registered by hand needs its secret in spite of PKCE',
  clientSecretMethod: 'how its secret is sent, where the metadata does not say',
  redirectUris: 'redirect URIs it takes: `https`, `loopback`, `localhost`, or one as it stands',
  loopbackPort:
    'whether a loopback address may have another port than was registered: `any`, `exact`; left out, one that is a number may',
  authorizeParams:
    'added to the authorization request; an empty value leaves out what would be sent otherwise',
  tokenParams: 'added to every token request',
  refreshParams: 'added to a refresh',
  revokeParams: 'added to a revocation',
  renameParams: 'its own names for parameters, on every request: `{ "resource": "audience" }`',
  omitResource: '`resource` is never sent',
  resource: 'sent as `resource` in place of what the server calls itself',
  scopeSeparator: 'between scopes, where it is not a space',
  refreshScope: '`granted`: the granted scopes are repeated on every refresh',
  omitOfflineAccess: '`offline_access` is never asked for',
  omitConsentPrompt: 'no consent is asked for by `prompt`, even along with `offline_access`',
  dpop: '`always`: tokens are bound to a key even where the server does not ask for it',
  dpopNonceFirst: 'a nonce is fetched before a refresh token is presented',
  grantedScopeSeparator: 'between scopes in a reply, where it is another one',
  bearerTokenTypes: 'token types that mean bearer',
  tokenMember: 'the member of a token reply that holds the person’s tokens',
  successMember: 'the member of every reply that is `false` when it failed, whatever its status',
  errorAliases: 'its error codes, wherever it puts them, and the registered ones they stand for',
  organisationErrors: 'its errors that are an organisation’s policy',
  hints: 'what is told the operator: `registration`, `clientSecret`, `redirectUri`',
  statedIssuers: '**lowers security**: other names the issuer gives itself, in its metadata and in `iss`',
  pkceUnadvertised: '**lowers security**: it has PKCE with S256, and does not advertise it',
};

/** What an alias means for whoever meets the error. */
const meanings: readonly [meaning: string, codes: readonly string[]][] = [
  ['The grant is dead: a person signs in again', ['invalid_grant', 'expired_token']],
  ['The client is dead: its operator has to act', ['invalid_client', 'unauthorized_client']],
  ['It will pass: nothing is forgotten', ['server_error', 'temporarily_unavailable', 'slow_down']],
  ['The person said no', ['access_denied']],
  [
    'What was asked does not fit: its operator has to act',
    ['invalid_scope', 'invalid_target', 'invalid_request'],
  ],
];

/** `docs/providers.md`, from the registry. */
export function renderProvidersPage(): string {
  return `<!-- Made from src/oauth/profiles/providers.ts by \`node scripts/render-docs.ts\`. Change it there. -->

# Providers

Authorization servers differ from the standard, each in its own way. What is known of them is one registry of data; none of
it is code. What shaped a sign-in is stored with it, so that whoever comes back, refreshes and revokes does so by the same
rules, in any process and any later release.

A provider is recognised by the host of its issuer, else by the host of the MCP server as you have configured it, else by
the hosts of its endpoints, else by their path. Hosts are compared by whole labels: \`*.okta.com\` is \`acme.okta.com\`, and
neither \`okta.com\` nor \`evil-okta.com\`. What lowers security counts only for the issuer itself.

## One of your own

In JSON, for one server:

\`\`\`json
{ "url": "https://mcp.example/mcp",
  "auth": { "type": "oauth", "profile": { "renameParams": { "resource": "audience" } } } }
\`\`\`

or for every server of a program, by issuer, by host, or by all hosts below one:

\`\`\`ts
import { RemoteAuthCoordinator } from 'postern/client';

const profiles = { '*.login.example': { omitResource: true } };
const coordinator = new RemoteAuthCoordinator({ storage, publicUrl, verifyUser, profiles });
\`\`\`

A profile is laid over the built-in one field by field; parameters, aliases and hints entry by entry; lists are replaced. A
server’s own profile is on top. A field that is misspelt, or a parameter that guards the sign-in (\`state\`, \`client_id\`,
\`code_challenge\` …), is refused when the program starts, with its place.

| Field | Says |
|---|---|
${Object.entries(fields)
  .map(([name, says]) => `| \`${name}\` | ${says} |`)
  .join('\n')}

## Exceptions

What is refused because it is not safe can be let pass for one server, by the name that the refusal gives. What an exception
decides is a warning in the log, with the issuer, and it holds until the grant has ended, in every process.

| In a server’s \`auth\` | Lets pass |
|---|---|
| \`"allowIssuerMismatch": ["https://login.example"]\` | metadata of these issuers, as the server names them, that names another |
| \`"allowPkceUnadvertised": true\` | an authorization server that does not advertise PKCE with S256; the challenge is sent all the same |
| \`"allowPrivateNetwork": true\` | endpoints in a private network, although the MCP server is not in one |

An issuer without a path, and the same with a slash, are one: that needs no exception.

## Nobody has heard of

What is not known is read so that a mistake does no harm either way. An error that has no registered meaning ends no grant,
and is said to the operator in the log, and to nobody else in its own words. A reply without an access token where the
standard has it is none. A registration that comes back with other redirect URIs is refused.

${providers.map(section).join('\n\n')}
`;
}

function section({ name, hosts = [], servers = [], endpointPath, profile, met, sources }: Provider): string {
  const found = [
    ...hosts.map((host) => `\`${host}\``),
    ...servers.map((host) => `the server \`${host}\``),
    ...(endpointPath === undefined ? [] : [`endpoints with \`${endpointPath}\` in their path`]),
  ];
  const lines = [...sent(profile), ...errors(profile)];
  return [
    `## ${name}`,
    `Found by ${found.join(', ')}.`,
    met.map((line) => `- ${line}`).join('\n'),
    ...(lines.length === 0 ? [] : [['| | |', '|---|---|', ...lines].join('\n')]),
    `Sources: ${sources.map(linked).join(', ')}.`,
  ].join('\n\n');
}

function sent(profile: IssuerProfile): string[] {
  const rows: readonly [string, Readonly<Record<string, string>> | undefined][] = [
    ['Authorization request', profile.authorizeParams],
    ['Token requests', profile.tokenParams],
    ['Refreshes', profile.refreshParams],
    ['Revocations', profile.revokeParams],
    ['Other names', profile.renameParams],
  ];
  const lists: readonly [string, readonly string[] | undefined][] = [
    ['Redirect URIs', profile.redirectUris],
    ['Other names of the issuer', profile.statedIssuers],
  ];
  return [
    ...rows.flatMap(([what, record]) =>
      record === undefined
        ? []
        : [
            `| ${what} | ${Object.entries(record)
              .map(([key, value]) => `\`${key}=${value}\``)
              .join(' ')} |`,
          ],
    ),
    ...lists.flatMap(([what, list]) =>
      list === undefined ? [] : [`| ${what} | ${list.map((each) => `\`${each}\``).join(' ')} |`],
    ),
  ];
}

function errors({ errorAliases = {} }: IssuerProfile): string[] {
  const rest = Object.values(errorAliases).filter(
    (code) => !meanings.some(([, codes]) => codes.includes(code)),
  );
  if (rest.length > 0) throw new Error(`no meaning of ${rest.join(', ')}`);
  return meanings.flatMap(([meaning, codes]) => {
    const own = Object.entries(errorAliases).filter(([, code]) => codes.includes(code));
    return own.length === 0 ? [] : [`| ${meaning} | ${own.map(([code]) => `\`${code}\``).join(' ')} |`];
  });
}

function linked(source: string): string {
  const { repository, number } =
    /^(?<repository>[\w.-]+\/[\w.-]+)(?:#| PR )(?<number>\d+)$/u.exec(source)?.groups ?? {};
  return repository === undefined
    ? `[${source}](https://${source})`
    : `[${source}](https://github.com/${repository}/issues/${number})`;
}

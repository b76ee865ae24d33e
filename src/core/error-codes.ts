/** Who can put an error right: the person at the browser, the host's developer, the operator of a deployment, or the other server. */
export type FixedBy = 'person' | 'developer' | 'operator' | 'server';

/** What one error code means to each of its audiences. */
export interface ErrorCodeFacts {
  /** For the developer: what the code says. */
  readonly meaning: string;
  /** Who can put it right. */
  readonly fixedBy: FixedBy;
  /** Whether the same call may succeed later with nothing changed. */
  readonly retry: boolean;
  /** The HTTP status our own pages answer with. */
  readonly http: number;
  /** The exit code of a command that ends with it. */
  readonly exit: number;
}

/** Every code a {@link PosternError} can carry. */
export type PosternErrorCode =
  | 'ERR_POSTERN_CONFIG_MISCONFIGURED'
  | 'ERR_POSTERN_NAMESPACE_CLOSED'
  | 'ERR_POSTERN_NAMESPACE_INVALID'
  | 'ERR_POSTERN_NAMESPACE_UNVERIFIED'
  | 'ERR_POSTERN_STORAGE_UNAVAILABLE'
  | 'ERR_POSTERN_STORAGE_KEY_INVALID'
  | 'ERR_POSTERN_STORAGE_VALUE_TOO_LARGE'
  | 'ERR_POSTERN_STORAGE_CONFLICT'
  | 'ERR_POSTERN_STORAGE_CORRUPT'
  | 'ERR_POSTERN_STORAGE_TAMPERED'
  | 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE'
  | 'ERR_POSTERN_STORAGE_KEYRING_INVALID'
  | 'ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE'
  | 'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED'
  | 'ERR_POSTERN_LEASE_TIMEOUT'
  | 'ERR_POSTERN_LEASE_LOST'
  | 'ERR_POSTERN_PENDING_NOT_FOUND'
  | 'ERR_POSTERN_PENDING_EXPIRED'
  | 'ERR_POSTERN_PENDING_CANCELLED'
  | 'ERR_POSTERN_PENDING_FAILED'
  | 'ERR_POSTERN_PENDING_SUPERSEDED'
  | 'ERR_POSTERN_PENDING_ALREADY_FINISHED'
  | 'ERR_POSTERN_PENDING_WAIT_TIMEOUT'
  | 'ERR_POSTERN_RESUME_HANDLER_UNKNOWN'
  | 'ERR_POSTERN_RESUME_PAYLOAD_INVALID'
  | 'ERR_POSTERN_RESUME_GAVE_UP'
  | 'ERR_POSTERN_AUTH_REQUIRED'
  | 'ERR_POSTERN_AUTH_DENIED'
  | 'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION'
  | 'ERR_POSTERN_AUTH_RENEWED'
  | 'ERR_POSTERN_AUTH_REVOKED'
  | 'ERR_POSTERN_AUTH_REJECTED'
  | 'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED'
  | 'ERR_POSTERN_AUTH_WRONG_USER'
  | 'ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN'
  | 'ERR_POSTERN_AUTH_UNVERIFIED'
  | 'ERR_POSTERN_AUTH_BROWSER_MISMATCH'
  | 'ERR_POSTERN_AUTH_STATE_UNKNOWN'
  | 'ERR_POSTERN_AUTH_STATE_USED'
  | 'ERR_POSTERN_AUTH_CALLBACK_INVALID'
  | 'ERR_POSTERN_OAUTH_DISCOVERY_FAILED'
  | 'ERR_POSTERN_OAUTH_METADATA_INVALID'
  | 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH'
  | 'ERR_POSTERN_OAUTH_RESOURCE_MISMATCH'
  | 'ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED'
  | 'ERR_POSTERN_OAUTH_URL_FORBIDDEN'
  | 'ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED'
  | 'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED'
  | 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'
  | 'ERR_POSTERN_OAUTH_GRANT_INVALID'
  | 'ERR_POSTERN_OAUTH_REQUEST_FAILED'
  | 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'
  | 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'
  | 'ERR_POSTERN_OAUTH_UNREACHABLE'
  | 'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT'
  | 'ERR_POSTERN_NETWORK_FORBIDDEN'
  | 'ERR_POSTERN_NETWORK_LIMIT'
  | 'ERR_POSTERN_NETWORK_REDIRECT'
  | 'ERR_POSTERN_CLIENT_SERVER_UNKNOWN'
  | 'ERR_POSTERN_CLIENT_TOOL_NOT_FOUND'
  | 'ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS'
  | 'ERR_POSTERN_CLIENT_NOT_CONNECTED'
  | 'ERR_POSTERN_CLIENT_CLOSED'
  | 'ERR_POSTERN_CLIENT_UNREACHABLE'
  | 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'
  | 'ERR_POSTERN_CLIENT_SESSION_LOST'
  | 'ERR_POSTERN_CLIENT_VERSION_REFUSED'
  | 'ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL'
  | 'ERR_POSTERN_CLIENT_PORT_IN_USE'
  | 'ERR_POSTERN_CLIENT_PERSON_NOT_TOLD'
  | 'ERR_POSTERN_OOB_INTERACTION_REQUIRED'
  | 'ERR_POSTERN_OOB_FORM_REFUSED'
  | 'ERR_POSTERN_OOB_SECRET_REJECTED'
  | 'ERR_POSTERN_OOB_SECRET_UNVERIFIED'
  | 'ERR_POSTERN_OOB_STATE_INVALID'
  | 'ERR_POSTERN_OOB_LIMIT'
  | 'ERR_POSTERN_OOB_UNSUPPORTED'
  | 'ERR_POSTERN_OOB_LOGIN_INVALID'
  | 'ERR_POSTERN_OOB_CLIENT_SILENT'
  | 'ERR_POSTERN_EXPOSE_CHILD_FAILED'
  | 'ERR_POSTERN_EXPOSE_LIMIT';

const row = (meaning: string, fixedBy: FixedBy, retry: boolean, http: number, exit = 1): ErrorCodeFacts => ({
  meaning,
  fixedBy,
  retry,
  http,
  exit,
});

/** Every code, once. `docs/errors.md` is made from this table, and a test holds the two together. */
export const errorCodes: Readonly<Record<PosternErrorCode, ErrorCodeFacts>> = {
  ERR_POSTERN_CONFIG_MISCONFIGURED: row(
    'A required option is missing, or two options contradict each other.',
    'developer',
    false,
    500,
    2,
  ),

  ERR_POSTERN_NAMESPACE_CLOSED: row(
    'What is kept for each namespace has been closed: the server is ending.',
    'operator',
    true,
    503,
  ),
  ERR_POSTERN_NAMESPACE_INVALID: row(
    'The id of a context, namespace or initiator is empty, not a string, too long, not well-formed text, or the text of a missing value.',
    'developer',
    false,
    400,
    2,
  ),
  ERR_POSTERN_NAMESPACE_UNVERIFIED: row(
    'The identity of the caller could not be verified, so there is no namespace to act in.',
    'person',
    false,
    401,
    3,
  ),

  ERR_POSTERN_STORAGE_UNAVAILABLE: row(
    'The store did not answer, or refused to write. Nothing is remembered elsewhere instead.',
    'operator',
    true,
    503,
  ),
  ERR_POSTERN_STORAGE_KEY_INVALID: row(
    'A key segment is empty, too long, or not well-formed text.',
    'developer',
    false,
    400,
  ),
  ERR_POSTERN_STORAGE_VALUE_TOO_LARGE: row(
    'The value is larger than the store accepts. It was not sent.',
    'developer',
    false,
    413,
  ),
  ERR_POSTERN_STORAGE_CONFLICT: row(
    'Other writers kept winning until the attempts were used up.',
    'operator',
    true,
    503,
  ),
  ERR_POSTERN_STORAGE_CORRUPT: row(
    'A stored record does not have the shape it was written with.',
    'operator',
    false,
    500,
  ),
  ERR_POSTERN_STORAGE_TAMPERED: row(
    'A sealed value does not open: it was changed, or copied from another place.',
    'operator',
    false,
    500,
  ),
  ERR_POSTERN_STORAGE_KEY_UNAVAILABLE: row(
    'A sealed value names an encryption key that the keyring does not hold.',
    'operator',
    false,
    500,
  ),
  ERR_POSTERN_STORAGE_KEYRING_INVALID: row(
    'The keyring cannot be used: its text or a key has the wrong form, it is missing, or others can read its file.',
    'operator',
    false,
    500,
    2,
  ),
  ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE: row(
    'The keychain of the system, where a key is kept, is locked, does not answer, or is not there.',
    'person',
    true,
    503,
    3,
  ),
  ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED: row(
    'The store was written by a newer version, or belongs to another program.',
    'operator',
    false,
    500,
    2,
  ),

  ERR_POSTERN_LEASE_TIMEOUT: row(
    'Another holder kept the lease for as long as the caller was willing to wait.',
    'operator',
    true,
    503,
  ),
  ERR_POSTERN_LEASE_LOST: row(
    'The lease ran out, or was taken over, before the work under it ended.',
    'operator',
    true,
    503,
  ),

  ERR_POSTERN_PENDING_NOT_FOUND: row(
    'No such pending, or it belongs to somebody else. The two are not told apart.',
    'person',
    false,
    404,
  ),
  ERR_POSTERN_PENDING_EXPIRED: row('The person did not finish in time.', 'person', false, 410, 3),
  ERR_POSTERN_PENDING_CANCELLED: row('The person declined, or the caller gave up.', 'person', false, 410, 4),
  ERR_POSTERN_PENDING_FAILED: row(
    'The interaction ended with a failure, named by the cause.',
    'person',
    false,
    410,
  ),
  ERR_POSTERN_PENDING_SUPERSEDED: row(
    'Its person has ended the link in another browser than the one that owned it, to be given a new one.',
    'person',
    true,
    410,
    3,
  ),
  ERR_POSTERN_PENDING_ALREADY_FINISHED: row(
    'The pending had already ended when the transition was asked for.',
    'developer',
    false,
    409,
  ),
  ERR_POSTERN_PENDING_WAIT_TIMEOUT: row(
    'The pending was still waiting for its person when the wait ran out.',
    'person',
    true,
    504,
    3,
  ),

  ERR_POSTERN_RESUME_HANDLER_UNKNOWN: row(
    'A parked request names a handler that this process has not registered.',
    'developer',
    true,
    500,
  ),
  ERR_POSTERN_RESUME_PAYLOAD_INVALID: row(
    'The payload of a parked request cannot be written as JSON, or is too large.',
    'developer',
    false,
    400,
  ),
  ERR_POSTERN_RESUME_GAVE_UP: row(
    'A parked request failed as often as its policy allows.',
    'developer',
    false,
    500,
  ),

  ERR_POSTERN_AUTH_REQUIRED: row(
    'A person has to sign in before this call can go on. The error carries the link.',
    'person',
    true,
    401,
    3,
  ),
  ERR_POSTERN_AUTH_DENIED: row(
    'The person declined, or the authorization server refused them.',
    'person',
    false,
    403,
    4,
  ),
  ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION: row(
    'The person’s organisation does not let them use this application: its administrator has to allow it.',
    'operator',
    false,
    403,
    4,
  ),
  ERR_POSTERN_AUTH_RENEWED: row(
    'The server wanted another credential, and there is one by now. The call was not carried out, and can be made again.',
    'developer',
    true,
    503,
  ),
  ERR_POSTERN_AUTH_REVOKED: row(
    'The grant has ended: the authorization server no longer accepts its refresh token.',
    'person',
    false,
    401,
    3,
  ),
  ERR_POSTERN_AUTH_REJECTED: row(
    'The server refuses a credential that was just issued for it.',
    'server',
    false,
    502,
    4,
  ),
  ERR_POSTERN_AUTH_CREDENTIAL_REFUSED: row(
    'The server refuses the credential that its operator has configured, or wants one where none is configured.',
    'operator',
    false,
    502,
    4,
  ),
  ERR_POSTERN_AUTH_WRONG_USER: row(
    'The consent came from another account than the one that was asked for, or whose credential is kept.',
    'person',
    false,
    403,
    4,
  ),
  ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN: row(
    'No account is called like that: the name is not one, or leads to nobody.',
    'person',
    false,
    404,
    3,
  ),
  ERR_POSTERN_AUTH_UNVERIFIED: row(
    'It could not be found out who is at the browser: the host’s own check failed, or did not answer.',
    'operator',
    true,
    503,
    5,
  ),
  ERR_POSTERN_AUTH_BROWSER_MISMATCH: row(
    'The callback came from another browser than the one that opened the link.',
    'person',
    false,
    403,
    3,
  ),
  ERR_POSTERN_AUTH_STATE_UNKNOWN: row(
    'The callback carries no state, two states, or one that nobody is waiting for.',
    'person',
    false,
    400,
    3,
  ),
  ERR_POSTERN_AUTH_STATE_USED: row('The callback was already used.', 'person', false, 400, 3),
  ERR_POSTERN_AUTH_CALLBACK_INVALID: row(
    'The callback repeats a parameter, or is neither an answer nor an error.',
    'server',
    false,
    400,
    3,
  ),

  ERR_POSTERN_OAUTH_DISCOVERY_FAILED: row(
    'No usable metadata was found at any of the places the specification names.',
    'server',
    true,
    502,
  ),
  ERR_POSTERN_OAUTH_METADATA_INVALID: row(
    'A metadata document is not what it must be: too large, not JSON, not an object, or missing a field.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_OAUTH_ISSUER_MISMATCH: row(
    'Metadata or a callback names another issuer than the one it was asked of.',
    'server',
    false,
    400,
  ),
  ERR_POSTERN_OAUTH_RESOURCE_MISMATCH: row(
    'The protected-resource metadata describes another resource than the server being called.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED: row(
    'The authorization server does not advertise PKCE with S256.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_OAUTH_URL_FORBIDDEN: row(
    'A URL from metadata is not https, or leads into a private network.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED: row(
    'The authorization server accepts none of the ways this client can introduce itself.',
    'operator',
    false,
    502,
    2,
  ),
  ERR_POSTERN_OAUTH_REGISTRATION_REJECTED: row(
    'The authorization server refused dynamic registration.',
    'operator',
    false,
    502,
    4,
  ),
  ERR_POSTERN_OAUTH_CLIENT_REJECTED: row(
    'The authorization server does not know the client, or refuses its authentication.',
    'operator',
    false,
    502,
    4,
  ),
  ERR_POSTERN_OAUTH_GRANT_INVALID: row(
    'The authorization server refused the code or refresh token.',
    'person',
    false,
    502,
    3,
  ),
  ERR_POSTERN_OAUTH_REQUEST_FAILED: row(
    'The authorization server answered with an error that may pass.',
    'server',
    true,
    502,
    5,
  ),
  ERR_POSTERN_OAUTH_REQUEST_REFUSED: row(
    'The authorization server refuses what was asked of it, and would refuse it again: a scope, a resource, or how it was asked.',
    'operator',
    false,
    502,
    4,
  ),
  ERR_POSTERN_OAUTH_RESPONSE_INVALID: row(
    'The answer of the authorization server is not one OAuth allows.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_OAUTH_UNREACHABLE: row(
    'The authorization server could not be reached, or did not answer in time.',
    'server',
    true,
    504,
    5,
  ),
  ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT: row(
    'The server wants more scopes than were granted, even after asking for them.',
    'person',
    false,
    403,
    4,
  ),

  ERR_POSTERN_NETWORK_FORBIDDEN: row(
    'An address leads into a private network, to this machine, or to a reserved place, and must not be connected to.',
    'operator',
    false,
    502,
  ),
  ERR_POSTERN_NETWORK_LIMIT: row(
    'An answer is larger than is taken, or too many requests wait for the same server.',
    'server',
    false,
    502,
  ),
  ERR_POSTERN_NETWORK_REDIRECT: row(
    'A server redirects where it is not followed: to another origin, too often, or with another method.',
    'operator',
    false,
    502,
  ),
  ERR_POSTERN_CLIENT_SERVER_UNKNOWN: row('No server of that name is configured.', 'developer', false, 404, 2),
  ERR_POSTERN_CLIENT_TOOL_NOT_FOUND: row(
    'None of the servers that were searched offers that tool.',
    'developer',
    false,
    404,
  ),
  ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS: row(
    'Several servers offer a tool of that name; the call must name one.',
    'developer',
    false,
    409,
  ),
  ERR_POSTERN_CLIENT_NOT_CONNECTED: row(
    'The session is not connected, and its status says why.',
    'developer',
    true,
    503,
  ),
  ERR_POSTERN_CLIENT_CLOSED: row('The client was closed before or during the call.', 'developer', false, 503),
  ERR_POSTERN_CLIENT_UNREACHABLE: row(
    'The server does not answer: no route, no listener, no name, or no reply in time.',
    'server',
    true,
    504,
    5,
  ),
  ERR_POSTERN_CLIENT_CONNECTION_FAILED: row(
    'The connection to the server was made and then broke, or speaks no protocol we know.',
    'server',
    true,
    502,
    5,
  ),
  ERR_POSTERN_CLIENT_SESSION_LOST: row(
    'The server no longer knows the session that a call was sent in. Whether the call was carried out stands in the error.',
    'server',
    true,
    502,
  ),
  ERR_POSTERN_CLIENT_VERSION_REFUSED: row(
    'The server speaks no version of the protocol that we speak, or not the one that is configured for it.',
    'operator',
    false,
    502,
    2,
  ),
  ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL: row(
    'A session was moved between two states that have no transition. This is a defect of the library.',
    'developer',
    false,
    500,
  ),
  ERR_POSTERN_CLIENT_PORT_IN_USE: row(
    'The configured callback port is taken by another program.',
    'operator',
    false,
    500,
    2,
  ),
  ERR_POSTERN_CLIENT_PERSON_NOT_TOLD: row(
    'What the host gave to tell its person of a link has not ended in time, so nobody knows of it.',
    'developer',
    true,
    504,
  ),

  ERR_POSTERN_OOB_INTERACTION_REQUIRED: row(
    'A person has to finish an interaction before this call can go on. The error carries the link.',
    'person',
    true,
    401,
    3,
  ),
  ERR_POSTERN_OOB_FORM_REFUSED: row(
    'A form was sent from another site, twice, too large, or without its token.',
    'person',
    false,
    403,
    3,
  ),
  ERR_POSTERN_OOB_SECRET_REJECTED: row(
    'The service that the secret is for has refused it.',
    'person',
    true,
    422,
    4,
  ),
  ERR_POSTERN_OOB_SECRET_UNVERIFIED: row(
    'The secret could not be tried just now; nothing was kept.',
    'server',
    true,
    503,
    5,
  ),
  ERR_POSTERN_OOB_STATE_INVALID: row(
    'A request state was altered, has expired, or belongs to another call.',
    'developer',
    false,
    400,
  ),
  ERR_POSTERN_OOB_LIMIT: row(
    'Too many interactions are waiting for this person already, or their link was followed too often.',
    'person',
    true,
    429,
  ),
  ERR_POSTERN_OOB_UNSUPPORTED: row(
    'The client cannot do what was asked of it: it has no sampling, no forms, or no roots.',
    'person',
    false,
    400,
  ),
  ERR_POSTERN_OOB_LOGIN_INVALID: row(
    'A login tool was told what it cannot do: there is no such command, or no such account.',
    'person',
    false,
    400,
  ),
  ERR_POSTERN_OOB_CLIENT_SILENT: row(
    'The client did not answer in time what a tool asked of it.',
    'person',
    true,
    504,
  ),

  ERR_POSTERN_EXPOSE_CHILD_FAILED: row(
    'A server on stdio that is served over HTTP did not start, did not get ready, or has stopped.',
    'operator',
    true,
    502,
  ),
  ERR_POSTERN_EXPOSE_LIMIT: row(
    'More servers on stdio or sessions were asked for than one user, or all together, may have.',
    'operator',
    true,
    503,
  ),
};

import type { FixedBy, PosternErrorCode } from './error-codes.ts';

/** One error as a person is told of it. */
export interface PlainWords {
  /** What happened. */
  readonly happened: string;
  /** What to do next, where whoever must act does not say it all. */
  readonly next?: string | undefined;
}

const words = (happened: string, next?: string): PlainWords => ({ happened, next });

const startAgain = 'Start again from where you came.';
const soon = 'Try again in a little while.';
const signIn = 'Ask for it again: you will get a new link to sign in.';

/** What a person does about whatever somebody else has to put right. */
export const nextBy: Readonly<Record<FixedBy, { readonly passing: string; readonly final: string }>> = {
  person: { passing: 'Try again.', final: startAgain },
  operator: {
    passing: `${soon} If it stays like this, tell whoever runs this application.`,
    final: 'You cannot change that from here: tell whoever runs this application.',
  },
  developer: {
    passing: 'Try again. If it stays like this, tell whoever runs this application.',
    final: 'The mistake is not yours: tell whoever runs this application.',
  },
  server: {
    passing: soon,
    final: 'The other service has to put that right: tell whoever runs this application.',
  },
};

/** Of a decline, for as long as its person is not asked again. */
export const declinedJustNow =
  'Access was not granted a moment ago: you declined, or your account may not have it.';

/** Every code, as a person without knowledge of the machinery is told of it. */
export const plainWords: Readonly<Record<PosternErrorCode, PlainWords>> = {
  ERR_POSTERN_CONFIG_MISCONFIGURED: words('This application is not set up right.'),

  ERR_POSTERN_NAMESPACE_CLOSED: words('This application is being restarted.', soon),
  ERR_POSTERN_NAMESPACE_INVALID: words('This application does not say for whom it acts.'),
  ERR_POSTERN_NAMESPACE_UNVERIFIED: words(
    'It could not be found out who you are.',
    'Sign in to the application itself, then try again.',
  ),

  ERR_POSTERN_STORAGE_UNAVAILABLE: words('This application cannot reach its own records just now.'),
  ERR_POSTERN_STORAGE_KEY_INVALID: words('This application used a name that cannot be stored.'),
  ERR_POSTERN_STORAGE_VALUE_TOO_LARGE: words('What was to be stored is too large.'),
  ERR_POSTERN_STORAGE_CONFLICT: words('Too much happened at once.'),
  ERR_POSTERN_STORAGE_CORRUPT: words('One of this application’s records is damaged.'),
  ERR_POSTERN_STORAGE_TAMPERED: words('One of this application’s records has been changed by somebody else.'),
  ERR_POSTERN_STORAGE_KEY_UNAVAILABLE: words('This application cannot open one of its own records.'),
  ERR_POSTERN_STORAGE_KEYRING_INVALID: words('This application cannot open its own records.'),
  ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE: words(
    'The keychain of this machine does not hand out what is needed.',
    'Unlock it, and try again.',
  ),
  ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED: words('This application is older than its own records.'),

  ERR_POSTERN_LEASE_TIMEOUT: words('Something else kept this application busy for too long.'),
  ERR_POSTERN_LEASE_LOST: words('This application was interrupted while it worked.'),

  ERR_POSTERN_PENDING_NOT_FOUND: words(
    'This link is not known here, or it is not meant for you.',
    'Ask for a new link where you got this one.',
  ),
  ERR_POSTERN_PENDING_EXPIRED: words('The time for this link ran out.', signIn),
  ERR_POSTERN_PENDING_CANCELLED: words(
    'It was called off: by you, or because nobody needed it any more.',
    'If you want it after all, ask for it again.',
  ),
  ERR_POSTERN_PENDING_SUPERSEDED: words(
    'The link was ended in another browser.',
    'Ask for it again: you will get a new link.',
  ),
  ERR_POSTERN_PENDING_FAILED: words('It could not be finished.', 'Ask for it again.'),
  ERR_POSTERN_PENDING_ALREADY_FINISHED: words('This was finished before.'),
  ERR_POSTERN_PENDING_WAIT_TIMEOUT: words(
    'You are still waited for.',
    'Finish what you began at the link, then try again.',
  ),

  ERR_POSTERN_RESUME_HANDLER_UNKNOWN: words('What you had asked for cannot be continued just now.'),
  ERR_POSTERN_RESUME_PAYLOAD_INVALID: words('What you had asked for could not be put aside.'),
  ERR_POSTERN_RESUME_GAVE_UP: words('What you had asked for was tried several times, and failed each time.'),

  ERR_POSTERN_AUTH_REQUIRED: words('You have to sign in first.', 'Open the link that you are given.'),
  ERR_POSTERN_AUTH_DENIED: words(
    'Access was not granted: you declined, or your account may not have it.',
    'If you want it after all, ask for it again.',
  ),
  ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION: words(
    'Your organisation does not let you use this application.',
    'Ask your organisation’s administrator to allow it, then try again.',
  ),
  ERR_POSTERN_AUTH_RENEWED: words('Your access was renewed while this was tried.', 'Try again.'),
  ERR_POSTERN_AUTH_REVOKED: words('Your access has ended.', signIn),
  ERR_POSTERN_AUTH_REJECTED: words('You signed in, but the service does not accept it.'),
  ERR_POSTERN_AUTH_CREDENTIAL_REFUSED: words(
    'The service does not accept the access that this application was set up with.',
  ),
  ERR_POSTERN_AUTH_WRONG_USER: words(
    'You signed in with another account than the one that was asked for, or than before.',
    'Try again with that account, or sign out first.',
  ),
  ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN: words(
    'There is no account of that name.',
    'Check how it is written, and start again.',
  ),
  ERR_POSTERN_AUTH_UNVERIFIED: words('It could not be found out just now who is at this browser.'),
  ERR_POSTERN_AUTH_BROWSER_MISMATCH: words(
    'You came back in another browser than the one that you began in.',
    'Open the link again, and stay in one browser.',
  ),
  ERR_POSTERN_AUTH_STATE_UNKNOWN: words('Nobody is waiting for this sign-in.', startAgain),
  ERR_POSTERN_AUTH_STATE_USED: words(
    'This sign-in was used before.',
    'If you are not signed in, open the link again.',
  ),
  ERR_POSTERN_AUTH_CALLBACK_INVALID: words('The service where you signed in sent back something unusable.'),

  ERR_POSTERN_OAUTH_DISCOVERY_FAILED: words('The service does not say where to sign in.'),
  ERR_POSTERN_OAUTH_METADATA_INVALID: words('What the service says about signing in cannot be used.'),
  ERR_POSTERN_OAUTH_ISSUER_MISMATCH: words('The place to sign in is not the one that it says it is.'),
  ERR_POSTERN_OAUTH_RESOURCE_MISMATCH: words('The service describes another one than itself.'),
  ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED: words('The place to sign in lacks a protection that is needed.'),
  ERR_POSTERN_OAUTH_URL_FORBIDDEN: words('The service points to an address that is not safe to follow.'),
  ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED: words(
    'This application has to be made known to the service before anybody can sign in.',
  ),
  ERR_POSTERN_OAUTH_REGISTRATION_REJECTED: words(
    'The service did not let this application make itself known.',
  ),
  ERR_POSTERN_OAUTH_CLIENT_REJECTED: words('The service does not know this application any more.'),
  ERR_POSTERN_OAUTH_GRANT_INVALID: words('Your sign-in is not valid any more.', signIn),
  ERR_POSTERN_OAUTH_REQUEST_FAILED: words('The place to sign in had a problem.'),
  ERR_POSTERN_OAUTH_REQUEST_REFUSED: words('The place to sign in refuses what this application asks for.'),
  ERR_POSTERN_OAUTH_RESPONSE_INVALID: words('The place to sign in sent an answer that cannot be used.'),
  ERR_POSTERN_OAUTH_UNREACHABLE: words('The place to sign in does not answer.'),
  ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT: words(
    'Your account may not do that.',
    'Use an account that may, or have yours allowed to.',
  ),

  ERR_POSTERN_NETWORK_FORBIDDEN: words(
    'The service leads to an address that this application may not connect to.',
  ),
  ERR_POSTERN_NETWORK_LIMIT: words('The service sent more than can be taken, or is asked too much at once.'),
  ERR_POSTERN_NETWORK_REDIRECT: words('The service has moved to another address.'),

  ERR_POSTERN_CLIENT_SERVER_UNKNOWN: words('This application knows no service of that name.'),
  ERR_POSTERN_CLIENT_TOOL_NOT_FOUND: words('None of the connected services can do that.'),
  ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS: words(
    'Several of the connected services can do that.',
    'Say which of them you mean.',
  ),
  ERR_POSTERN_CLIENT_NOT_CONNECTED: words('There is no connection to the service just now.'),
  ERR_POSTERN_CLIENT_CLOSED: words('This application has closed its connections.'),
  ERR_POSTERN_CLIENT_UNREACHABLE: words('The service does not answer.'),
  ERR_POSTERN_CLIENT_CONNECTION_FAILED: words('The connection to the service broke, or is of no use.'),
  ERR_POSTERN_CLIENT_SESSION_LOST: words('The service forgot what you were doing with it.', 'Try again.'),
  ERR_POSTERN_CLIENT_VERSION_REFUSED: words(
    'The service and this application do not speak the same language.',
  ),
  ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL: words('This application made a mistake.'),
  ERR_POSTERN_CLIENT_PORT_IN_USE: words('Another program on this machine is in the way of signing in.'),
  ERR_POSTERN_CLIENT_PERSON_NOT_TOLD: words('You could not be sent your link to sign in.'),

  ERR_POSTERN_OOB_INTERACTION_REQUIRED: words(
    'Something has to be done by you first.',
    'Open the link that you are given.',
  ),
  ERR_POSTERN_OOB_FORM_REFUSED: words(
    'This form could not be taken.',
    'Open the link again, and send it once.',
  ),
  ERR_POSTERN_OOB_SECRET_REJECTED: words(
    'The service did not accept what you entered.',
    'Open the link again, and enter it anew.',
  ),
  ERR_POSTERN_OOB_SECRET_UNVERIFIED: words(
    'What you entered could not be tried just now. Nothing was kept.',
    soon,
  ),
  ERR_POSTERN_OOB_STATE_INVALID: words('What was begun earlier cannot be continued.'),
  ERR_POSTERN_OOB_LIMIT: words(
    'Too much is waiting for you already.',
    'Finish what you were asked for before, or wait a little.',
  ),
  ERR_POSTERN_OOB_UNSUPPORTED: words(
    'The application you use cannot show what is asked here.',
    'Use one that can, or look whether a newer version of yours does.',
  ),
  ERR_POSTERN_OOB_LOGIN_INVALID: words(
    'There is no such account here, or no such command.',
    'Look at the list of your accounts, and name one of them.',
  ),
  ERR_POSTERN_OOB_CLIENT_SILENT: words(
    'The application you use was asked something, and did not answer in time.',
    'Try again, and answer what it shows. If it shows nothing, use one that does.',
  ),

  ERR_POSTERN_EXPOSE_CHILD_FAILED: words('The program behind this service has stopped.'),
  ERR_POSTERN_EXPOSE_LIMIT: words('Too much of this service is in use already.'),
};

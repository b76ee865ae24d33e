import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import type { PosternError } from '../../core/postern-error.ts';
import { findAuthorizationRequired } from '../auth/authorization-required-error.ts';
import type { SessionStatus } from './session-status.ts';

/** What can be wrong with a connection. */
export type ConnectionCondition =
  | 'ok'
  | 'expiring'
  | 'needs-consent'
  | 'needs-step-up'
  | 'client-forgotten'
  | 'refused-for-good'
  | 'transient'
  | 'denied-by-person'
  | 'refused-by-organisation'
  | 'misconfigured'
  | 'credential-refused'
  | 'session-lost'
  | 'version-refused';

/** Who acts next, where a connection is not as it should be. */
export type ConditionActor = 'nobody' | 'person' | 'operator' | 'developer' | 'server';

/** What one condition means: who acts next, by what, and in which words it is told to whom. */
export interface ConnectionConditionFacts {
  readonly actor: ConditionActor;
  /** The way back to CONNECTED: the call of ours to make, once whoever acts has acted. */
  readonly call: string;
  /** Whether the session comes back by itself, with no call of anybody. */
  readonly retriesByItself: boolean;
  readonly words: { readonly person: string; readonly model: string; readonly operator: string };
}

const askOperator = 'Tell whoever runs it.';

/** Every condition. `docs/session-states.md` is made from this table, and a test takes the way back out of each. */
export const connectionConditions: Readonly<Record<ConnectionCondition, ConnectionConditionFacts>> = {
  ok: {
    actor: 'nobody',
    call: 'callTool()',
    retriesByItself: true,
    words: {
      person: 'Everything is in order.',
      model: 'The server can be used.',
      operator: 'Nothing is known to be wrong.',
    },
  },
  expiring: {
    actor: 'person',
    call: 'logout(), then callTool() for a new link',
    retriesByItself: false,
    words: {
      person: 'Your access ends soon. Sign in again when it suits you.',
      model: 'The server can be used, but the user will soon have to sign in again. Tell them so.',
      operator: 'The credential ends soon, and nothing but its person can replace it.',
    },
  },
  'needs-consent': {
    actor: 'person',
    call: 'getAuthChallenges(), or callTool() for a new link',
    retriesByItself: true,
    words: {
      person: 'You have to sign in. Open the link that you are given.',
      model: 'The user has to open a link first. The call that needs it brings the link.',
      operator: 'A person is waited for at a link. Afterwards the session connects by itself.',
    },
  },
  'needs-step-up': {
    actor: 'person',
    call: 'the same call again, after the link of its error',
    retriesByItself: false,
    words: {
      person: 'What you want needs more than you have allowed so far. Open the link to allow it.',
      model:
        'One call needs the user to allow more, at the link of its error. All other calls go on working.',
      operator:
        'A call wants more scopes than were granted. If its link leads to no more, the account may not have them.',
    },
  },
  'client-forgotten': {
    actor: 'nobody',
    call: 'connect({ force: true })',
    retriesByItself: false,
    words: {
      person:
        'The place to sign in has forgotten this application. Start again: it will make itself known anew.',
      model: 'The authorization server has forgotten this application. Starting over makes it known anew.',
      operator:
        'The authorization server no longer knows the client that registered itself. Starting over registers another.',
    },
  },
  'refused-for-good': {
    actor: 'server',
    call: 'connect({ force: true })',
    retriesByItself: false,
    words: {
      person: `The service refuses this application. ${askOperator}`,
      model:
        'The server, or its authorization server, refuses for good. Do not repeat the call before that has been put right.',
      operator:
        'The other side refuses what is asked of it, or answers what cannot be used. Read session.error; the same again would fare the same.',
    },
  },
  transient: {
    actor: 'nobody',
    call: 'connect(), or the next call; not before retryAtMs, where that is said',
    retriesByItself: false,
    words: {
      person: 'The service cannot be reached just now. Try again in a little while.',
      model: 'The server cannot be used just now. Repeat the call once, in a moment.',
      operator:
        'It may pass by itself: the network, a server that restarts or has too much to do, a store that is away.',
    },
  },
  'denied-by-person': {
    actor: 'person',
    call: 'session.askAgain() where the person wants it after all, and then the next call; or the next call after retryAtMs',
    retriesByItself: false,
    words: {
      person:
        'You declined, and are not asked again for a while. If you want it after all, say so, and you will get a new link.',
      model: 'The user declined. Do not press them; go on without it.',
      operator:
        'The person, or the authorization server on their behalf, said no. They are not asked again by itself until retryAtMs: for 60 s, unless "declineCooldownMs" says otherwise.',
    },
  },
  'refused-by-organisation': {
    actor: 'operator',
    call: 'connect({ force: true })',
    retriesByItself: false,
    words: {
      person: 'Your organisation does not allow this application. Ask its administrator to allow it.',
      model:
        'The user’s organisation does not allow this application. Its administrator has to allow it first.',
      operator:
        'The person’s organisation has to allow this application: an administrator’s consent, or a policy.',
    },
  },
  misconfigured: {
    actor: 'operator',
    call: 'removeServer(), addServer() with what was mended, or connect() after what was mended elsewhere',
    retriesByItself: false,
    words: {
      person: `This application is not set up right for that service. ${askOperator}`,
      model:
        'This application is not set up right for the server. Do not repeat the call before that has been put right.',
      operator:
        'The address, the client, the store or another option cannot work as it is. Read session.error.',
    },
  },
  'credential-refused': {
    actor: 'operator',
    call: 'removeServer(), addServer() with another credential; or connect() when the server takes it again',
    retriesByItself: false,
    words: {
      person: `The service does not accept the access that this application was set up with. ${askOperator}`,
      model:
        'The server refuses the credential that this application was set up with. The user cannot change that.',
      operator: 'The key or header in the configuration is refused: it may have ended, or been replaced.',
    },
  },
  'session-lost': {
    actor: 'nobody',
    call: 'connect(), or the next call',
    retriesByItself: false,
    words: {
      person: 'The service forgot what you were doing with it. Try again.',
      model:
        'The server has forgotten the session. The next call opens another; what an earlier call began may be lost.',
      operator:
        'The server no longer knows the session: it was restarted, or several of them do not share their sessions.',
    },
  },
  'version-refused': {
    actor: 'operator',
    call: 'removeServer(), addServer() with another "protocolVersion"; or connect() after an upgrade',
    retriesByItself: false,
    words: {
      person: `The service and this application do not speak the same language. ${askOperator}`,
      model:
        'The server speaks another version of the protocol. Do not repeat the call before that has been put right.',
      operator: 'The server speaks no version that we do, or not the one that is configured for it.',
    },
  },
};

/** A credential that nobody can renew is said to end this long before it does. */
const expiringMs = 10 * 60_000;

/** What is known of a session, for its condition to be told. */
export interface SessionFacts {
  readonly status: SessionStatus;
  readonly error?: PosternError | undefined;
  /** The client was registered by hand, so nothing registers another. */
  readonly isClientConfigured?: boolean | undefined;
  /** How long the credential is good yet, if nobody but its person can replace it. */
  readonly leftMs?: number | undefined;
}

/** Codes that say more than who can put them right. */
const conditionsByCode: Partial<Record<PosternErrorCode, ConnectionCondition>> = {
  ERR_POSTERN_AUTH_DENIED: 'denied-by-person',
  ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION: 'refused-by-organisation',
  ERR_POSTERN_AUTH_CREDENTIAL_REFUSED: 'credential-refused',
  ERR_POSTERN_CLIENT_SESSION_LOST: 'session-lost',
  ERR_POSTERN_CLIENT_VERSION_REFUSED: 'version-refused',
  ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT: 'needs-step-up',
  ERR_POSTERN_OAUTH_REQUEST_REFUSED: 'refused-for-good',
  ERR_POSTERN_PENDING_WAIT_TIMEOUT: 'needs-consent',
  ERR_POSTERN_CLIENT_CLOSED: 'ok',
};

/** The condition of a session, from its status, the code of its error, and what was seen beside it. */
export function conditionOf(facts: SessionFacts): ConnectionCondition {
  const { status, error, isClientConfigured, leftMs = Number.POSITIVE_INFINITY } = facts;
  if (status === 'RECONNECTING') return 'session-lost';
  if (error === undefined) return status === 'CONNECTED' && leftMs < expiringMs ? 'expiring' : 'ok';
  const { code } = error;
  if (isStepUp(error)) return 'needs-step-up';
  if (code === 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')
    return isClientConfigured === true ? 'misconfigured' : 'client-forgotten';
  // The connection was made, and there is no such server behind it.
  if (code === 'ERR_POSTERN_CLIENT_CONNECTION_FAILED' && status === 'FAILED') return 'misconfigured';
  return conditionsByCode[code] ?? conditionByActor(code);
}

/** Only more scopes are needed: what was granted before stays good. */
function isStepUp(error: PosternError): boolean {
  const required = findAuthorizationRequired(error);
  return required?.grantStays === true && required.challenge.kind !== 'elicitation';
}

/** Who acts next: where it is neither the person nor nobody, whoever the error says. */
export function actorOf(condition: ConnectionCondition, error: PosternError | undefined): ConditionActor {
  const { actor } = connectionConditions[condition];
  return error === undefined || actor === 'nobody' || actor === 'person' ? actor : error.facts.fixedBy;
}

function conditionByActor(code: PosternErrorCode): ConnectionCondition {
  const { fixedBy, retry } = errorCodes[code];
  if (fixedBy === 'person') return 'needs-consent';
  if (retry) return 'transient';
  return fixedBy === 'server' ? 'refused-for-good' : 'misconfigured';
}

/** Where a session is. */
export type SessionStatus =
  | 'INITIALIZING'
  | 'CONNECTING'
  | 'AUTHENTICATING'
  | 'AUTH_PENDING'
  | 'CONNECTED'
  | 'RECONNECTING'
  | 'DISCONNECTING'
  | 'DISCONNECTED'
  | 'CONNECTION_FAILED'
  | 'SERVER_UNREACHABLE'
  | 'AUTH_FAILED'
  | 'FAILED';

export type SessionCategory = 'active' | 'pending' | 'disconnected' | 'recoverable' | 'terminal';

/** What one status means: its category, where it may go, and what to do next. */
export interface SessionStatusFacts {
  readonly category: SessionCategory;
  readonly next: readonly SessionStatus[];
  /** For whoever sees it in a dashboard. */
  readonly whatToDo: string;
}

const failures = ['CONNECTION_FAILED', 'SERVER_UNREACHABLE', 'AUTH_FAILED', 'FAILED'] as const;

/** Every status and every legal transition. `docs/session-states.md` is made from this table. */
export const sessionStatuses: Readonly<Record<SessionStatus, SessionStatusFacts>> = {
  INITIALIZING: {
    category: 'disconnected',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Call connect(), or simply call a tool: sessions connect on use.',
  },
  CONNECTING: {
    category: 'active',
    next: ['AUTHENTICATING', ...failures, 'DISCONNECTING'],
    whatToDo: 'Wait; every step has a deadline.',
  },
  AUTHENTICATING: {
    category: 'active',
    next: ['CONNECTED', 'AUTH_PENDING', ...failures, 'DISCONNECTING'],
    whatToDo: 'Wait; every step has a deadline.',
  },
  AUTH_PENDING: {
    category: 'pending',
    next: ['CONNECTING', 'AUTH_FAILED', 'DISCONNECTING'],
    whatToDo: 'Give the person the link of getAuthChallenges(). The session reconnects by itself afterwards.',
  },
  CONNECTED: {
    category: 'active',
    next: ['AUTH_PENDING', 'RECONNECTING', ...failures, 'DISCONNECTING'],
    whatToDo: 'Call tools.',
  },
  RECONNECTING: {
    category: 'active',
    next: ['AUTHENTICATING', ...failures, 'DISCONNECTING'],
    whatToDo: 'Wait; every step has a deadline.',
  },
  DISCONNECTING: {
    category: 'disconnected',
    next: ['DISCONNECTED'],
    whatToDo: 'Wait.',
  },
  DISCONNECTED: {
    category: 'disconnected',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Call connect() to use it again.',
  },
  CONNECTION_FAILED: {
    category: 'recoverable',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Call connect() again; the connection was made and then broke.',
  },
  SERVER_UNREACHABLE: {
    category: 'recoverable',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Check the URL and that the server runs, then call connect() again.',
  },
  AUTH_FAILED: {
    category: 'recoverable',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Read session.error; call connect() for a new link.',
  },
  FAILED: {
    category: 'terminal',
    next: ['CONNECTING', 'DISCONNECTING'],
    whatToDo: 'Read session.error: the configuration, or the server, has to change before another connect().',
  },
};

/** Only CONNECTED: an authenticated request has succeeded. */
export const isOperational = (status: SessionStatus): boolean => status === 'CONNECTED';

export const isConnecting = (status: SessionStatus): boolean =>
  status === 'CONNECTING' || status === 'AUTHENTICATING' || status === 'RECONNECTING';

export const isFailed = (status: SessionStatus): boolean =>
  (failures as readonly SessionStatus[]).includes(status);

/** Whether the same connect() may succeed with nothing changed. */
export const canRetry = (status: SessionStatus): boolean =>
  sessionStatuses[status].category === 'recoverable';

export const requiresUserAction = (status: SessionStatus): boolean => status === 'AUTH_PENDING';

import type { Implementation } from '@modelcontextprotocol/client';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Context } from '../context.ts';
import type { AuthCoordinator } from '../coordinators/auth-coordinator.ts';
import type { ServerConfig } from '../server-config.ts';
import type { ClientHandlers } from './client-handlers.ts';
import type { VersionNegotiation } from './version-offer.ts';
import type { SessionStatus } from './session-status.ts';

/** What a session is made from. */
export interface SessionOptions {
  readonly context: Context;
  readonly coordinator: AuthCoordinator;
  readonly server: string;
  /** Which of the context's accounts there. */
  readonly alias: string;
  /** Whom the issuer is to expect. */
  readonly loginHint?: string | undefined;
  readonly config: ServerConfig;
  readonly clientInfo: Implementation;
  readonly handlers: ClientHandlers;
  readonly versionNegotiation: VersionNegotiation;
  /** The deadline of a connect, all its steps together but for a person's. */
  readonly connectTimeoutMs: number;
  /** How long a server may be silent, to a ping as well, while a call is on its way. */
  readonly livenessMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onStatus?: ((server: string, status: SessionStatus) => void) | undefined;
}

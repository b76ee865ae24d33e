import type { Implementation, RequestOptions } from '@modelcontextprotocol/client';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { NetworkOptions } from '../http/network-options.ts';
import type { Context } from './context.ts';
import type { AuthCoordinator } from './coordinators/auth-coordinator.ts';
import type { ClientHandlers } from './session/client-handlers.ts';
import type { VersionNegotiation } from './session/version-offer.ts';
import type { SessionStatus } from './session/session-status.ts';

/** What all clients of one application share. */
export interface SharedClientOptions {
  readonly clientInfo?: Implementation | undefined;
  readonly handlers?: ClientHandlers | undefined;
  /** `auto` speaks 2026-07-28 where the server does, and 2025-11-25 elsewhere. Default `auto`. */
  readonly versionNegotiation?: VersionNegotiation | undefined;
  /** The deadline of a connect, but for a person's part. Default 30,000 ms. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long a server over HTTP may be silent while a call is on its way, and not even answer a ping. The call fails then.
   * Default 30,000 ms.
   */
  readonly livenessMs?: number | undefined;
  /** How requests leave this process: proxies, certificates, limits, and which addresses may be reached. */
  readonly network?: NetworkOptions | undefined;
  /** Sends every request to MCP servers and authorization servers, in place of `network`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly onStatus?:
    | ((server: string, status: SessionStatus, contextId: string, alias: string) => void)
    | undefined;
}

export interface ClientOptions extends SharedClientOptions {
  /** Default: a `LocalAuthCoordinator` on memory. */
  readonly coordinator?: AuthCoordinator | undefined;
  /** Whom the client acts for. Default: a new random id. Excludes `context`. */
  readonly contextId?: string | undefined;
  /**
   * Keeps sign-ins between runs, in the data folder of the user who runs the program: its name. Sealed, for that user only,
   * see `openUserStorage`. The context is then the same each time, `default` unless `contextId` says otherwise. Excludes
   * `coordinator`. Needs Node.
   */
  readonly persist?: string | undefined;
  /** Of a coordinator's `createContext`, which is used then. */
  readonly context?: Context<AuthCoordinator> | undefined;
  readonly metadata?: unknown;
}

/** Which server, and which of the context's accounts there. */
export interface Which {
  readonly server?: string | undefined;
  /** Default: `default`. */
  readonly alias?: string | undefined;
}

/** How to call what belongs to one server. */
export type Call = RequestOptions & Which & { readonly server: string };

/** Something a server offers, and which server. */
export type Of<K extends string, T> = { readonly [P in K]: T } & { readonly server: string };

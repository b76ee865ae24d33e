import type { FetchLike } from '../http/fetch-like.ts';
import type { Logger } from '../core/logger.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { ChildLimits } from './child/child.ts';
import type { RestartPolicy } from './child/restart-policy.ts';
import type { ChildCommand } from './child/server-process.ts';
import type { StreamTimes } from './http/call-answer.ts';
import type { HttpLimits } from './http/http-server.ts';
import type { SessionLimits } from './http/legacy-sessions.ts';

/** Who may call. */
export type AccessChoice =
  | { readonly by: 'loopback' }
  | { readonly by: 'api-keys'; readonly file: string }
  | {
      readonly by: 'issuer';
      readonly issuer: string;
      /** Default: the endpoint's public address. */
      readonly audience?: string | undefined;
      /** What clients are to ask for. */
      readonly scopes?: readonly string[] | undefined;
      /** This server at the issuer, to tell who is at a browser. Needed where people are to give secrets. */
      readonly client?: { readonly id: string; readonly secret?: string | undefined } | undefined;
    };

/** A variable of the child that each user gives for themselves, on a page. */
export interface SecretVariable {
  readonly name: string;
  /** What the page calls it. Default: the name. */
  readonly title?: string | undefined;
}

export interface ExposeOptions {
  readonly command: ChildCommand;
  /** What people know the server by; what they give is kept under it. Default: from the command. */
  readonly name?: string | undefined;
  /** Variables of every child: with a value, or with `undefined` for that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly secrets?: readonly SecretVariable[] | undefined;
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Default 8000. 0: any free one. */
  readonly port?: number | undefined;
  /** Of the MCP endpoint. Default `/mcp`. */
  readonly path?: string | undefined;
  /** What clients reach it by, without the endpoint's path: `https://tools.example`. Default: where it listens. */
  readonly publicUrl?: string | undefined;
  readonly access?: AccessChoice | undefined;
  /** Further names by which a server on a loopback address is reached. */
  readonly hosts?: readonly string[] | undefined;
  /** Origins of web pages that may call. */
  readonly origins?: readonly string[] | undefined;
  /** Where what users give is kept, sealed. Needed with `secrets`. */
  readonly storage?: StorageBackend | undefined;
  readonly limits?: Partial<ExposeLimits> | undefined;
  readonly restart?: RestartPolicy | undefined;
  readonly fetch?: FetchLike | undefined;
  readonly logger?: Logger | undefined;
  readonly version?: string | undefined;
}

/** Everything that is bounded, with its default below. */
export type ExposeLimits = Omit<ChildLimits, 'idleMs'> &
  Omit<SessionLimits, 'idleMs'> &
  HttpLimits &
  StreamTimes & {
    readonly childIdleMs: number;
    readonly sessionIdleMs: number;
    readonly maxOpenStreams: number;
    /** How long calls in flight may take when the server is told to end. */
    readonly graceMs: number;
  };

const mebibyte = 1024 * 1024;
const minute = 60_000;

export const defaultLimits: ExposeLimits = {
  maxChildren: 100,
  maxChildrenPerUser: 16,
  maxCalls: 256,
  maxQueuedBytes: 8 * mebibyte,
  maxLineBytes: 10 * mebibyte,
  childIdleMs: 30 * minute,
  maxAgeMs: 24 * 60 * minute,
  maxSessions: 1_000,
  maxSessionsPerUser: 64,
  sessionIdleMs: 60 * minute,
  startMs: minute,
  maxOpenStreams: 1_000,
  maxBodyBytes: 4 * mebibyte,
  maxBodiesBytes: 64 * mebibyte,
  maxConnections: 2_000,
  headersMs: 10_000,
  requestMs: 30_000,
  patienceMs: 5_000,
  keepAliveMs: 15_000,
  stalledMs: 20_000,
  graceMs: 5_000,
};

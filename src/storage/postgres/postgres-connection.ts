/** One statement, in the form the driver gives it to `pg`. */
export interface PostgresStatement {
  readonly text: string;
  readonly values?: unknown[];
  /** So that parsers the program has set for all of `pg` do not change what the driver reads. */
  readonly types?: { getTypeParser(): (text: string) => unknown };
}

/** A row whose columns are texts as PostgreSQL wrote them. */
export type PostgresRow = Readonly<Record<string, string | null>>;

/** The events of a client that the driver listens to. */
export interface PostgresClientEvents {
  (event: 'error', listener: (error: Error) => void): unknown;
  (event: 'end', listener: () => void): unknown;
  (event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
}

/** What the driver needs of a client of `pg`, while it is checked out of its pool. */
export interface PostgresClient {
  /** The process that serves this connection, as the server gave it when the connection was made. */
  readonly processID?: unknown;
  query(statement: PostgresStatement): Promise<{ readonly rows: unknown[] }>;
  on: PostgresClientEvents;
  removeListener: PostgresClientEvents;
  release(destroy?: boolean): void;
  /** Lets the process end although the connection is open. */
  unref?(): void;
}

/** What the driver needs of a pool: `Pool` of `pg` 8, or one like it. */
export interface PostgresPool {
  readonly options?: {
    readonly max?: number | undefined;
    readonly connectionTimeoutMillis?: number | undefined;
  };
  connect(): Promise<PostgresClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

import type { StorageBackend } from '../../src/storage/contract.ts';

/** How many bytes every record holds. */
export const valueBytes = 1024;

/** How many records lie under the prefix that is listed. */
export const listLength = 20;

/** The operations that are timed. `replace` names the version it replaces; `take` removes, and returns what it removed. */
export const operations = ['put', 'replace', 'get', 'list', 'take'] as const;

export type Operation = (typeof operations)[number];

/** One way to a store: through its driver, or with the bare client. Each call tells whether it did what it was asked. */
export type Side = {
  readonly [name in Operation]: (at: number) => Promise<boolean>;
};

/** Passes a signal from one connection to another. */
export interface Bell {
  ring(): Promise<unknown>;
  listen(wake: () => void): Promise<() => Promise<unknown>>;
}

/** A handle that holds one record in each of its namespaces, and nothing else. */
export interface FilledStore {
  readonly backend: StorageBackend;
  /** Reads the same record without the driver, to show what of the cost grows below it. */
  readonly bareGet: (namespace: string) => Promise<boolean>;
  close(): Promise<void>;
}

/** A store, and the bare client of the same server beside it. */
export interface StoreUnderBench {
  readonly label: string;
  /** What else is said of it under the figures. */
  readonly notes: readonly string[];
  /** Two handles, as two processes would have. */
  readonly handles: readonly [StorageBackend, StorageBackend];
  readonly raw?: { readonly side: Side; readonly bell?: Bell } | undefined;
  /** How long a signal may lie until the driver looks for it; 0 where the server pushes it. */
  readonly pollMs: number;
  /** The numbers of namespaces at which costs are compared. */
  readonly sizes: readonly number[];
  /** Each with its own place on the server, removed when it is closed. */
  openFilled(namespaces: number): Promise<FilledStore>;
  /** Removes whatever was written. */
  close(): Promise<void>;
}

/** Why a store was left out, and what to do about it: one line. */
export interface AbsentStore {
  readonly absent: string;
}

/** Bytes that do not compress, the same for all. */
export const value: Uint8Array = crypto.getRandomValues(new Uint8Array(valueBytes));

/** The name of one namespace of a filled store. */
export function namespaceOf(index: number): string {
  return `bench-${index}`;
}

/** Something no other run has. */
export function freshName(): string {
  return `bench_${crypto.randomUUID().slice(0, 8)}`;
}

import type { Namespace } from '../namespace/namespace.ts';

/** Where a credential is kept: whose it is, what it is for, and which of several accounts. */
export interface Place {
  readonly namespace: Namespace;
  /** What the person gives access to: a host, a connection, the address of a server. */
  readonly resource: string;
  readonly alias: string;
}

/** A credential that somebody needs, and what is known when nobody has been asked for it yet. */
export interface Want extends Place {
  /** Who may give it: what `verifyUser` must answer for the browser. */
  readonly initiator: string;
  /** What it must cover. Empty: whatever the flow asks for by itself. */
  readonly scopes: readonly string[];
  /** What is known already and is no secret: values to fill a form in with. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Whom the service is to expect, as its person calls that account. Only ever a suggestion. */
  readonly loginHint?: string | undefined;
  /** The refusal that made it needed, as its flow understands it. */
  readonly cause?: unknown;
  /** The host's own words about the latest call that needs it. Comes back in events; never decides anything. */
  readonly metadata?: unknown;
}

/** The end of every key about a place. */
export function placePath({ resource, alias }: Pick<Place, 'resource' | 'alias'>): readonly [string, string] {
  return [resource, alias];
}

/** A place as one text, for maps in memory. */
export function placeKey({ namespace, resource, alias }: Place): string {
  return JSON.stringify([namespace.partition, resource, alias]);
}

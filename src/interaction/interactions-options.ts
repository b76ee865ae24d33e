import type { Surroundings } from '../sync/surroundings.ts';
import type { Gate } from './gates/gate.ts';
import type { Place } from './want.ts';

/** What an `Interactions` is made from. */
export interface InteractionsOptions {
  readonly surroundings: Surroundings;
  readonly gate: Gate;
  /** How long a process has for one renewal or exchange; after it, it counts as dead and another goes on. Default 30,000 ms. */
  readonly leaseMs?: number | undefined;
  /** How long a person who declined is not asked again by itself. Default 60,000 ms. */
  readonly declineCooldownMs?: number | undefined;
  /** How many interactions may wait for one namespace at once. Default: any number. */
  readonly maxPendings?: number | undefined;
  /** After this long without a sign of life, the beginning or background work of an interaction is taken over. Default 15,000 ms. */
  readonly watchLeaseMs?: number | undefined;
  /** How long a person has, where the flow has no opinion. Default 10 minutes. */
  readonly ttlMs?: number | undefined;
  /**
   * Has the person of a place asked for what is kept there already; resolves to the link, or to nothing where it turns out
   * to be good. Default: the flow that it came by asks.
   */
  readonly reconnect?: ((place: Place) => Promise<string | undefined>) | undefined;
  /** Keeps a serverless process alive for a renewal that nobody waits for. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

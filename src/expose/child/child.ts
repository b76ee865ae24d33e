import type { Message, Refusal } from '../../wire/message.ts';
import type { LooseMessage, ServerLink } from './server-link.ts';
import type { ProcessEnd } from './server-process.ts';

/** What limits children, each by itself and all together. */
export interface ChildLimits {
  readonly maxChildren: number;
  /** Of one user. */
  readonly maxChildrenPerUser: number;
  /** In flight at one child. */
  readonly maxCalls: number;
  /** Sent to one child, and not yet read by it. */
  readonly maxQueuedBytes: number;
  /** The longest message of a child. */
  readonly maxLineBytes: number;
  /** A child that nobody has used for so long is stopped. Whoever comes back gets another. */
  readonly idleMs: number;
  /** A child that is this old is stopped as soon as it has no call in flight, and in any case once it is as old again. */
  readonly maxAgeMs: number;
}

/** Whose child, and of which sort: whoever asks with the same key shares it. */
export interface ChildWant {
  readonly key: string;
  /** Whose it is: what `maxChildrenPerUser` counts, and what `ChildSupply.renewOf` renews. */
  readonly user: string;
  /** Makes the child ready for its first call, once it runs. What it resolves to is {@link Child.opened}. */
  readonly open: (link: ServerLink) => Promise<unknown>;
}

/** Somebody who uses a child. */
export interface ChildUser {
  /** Whether a child is kept for it, although it has nothing in flight. */
  readonly keeps: boolean;
  /** What the child says outside of any call. */
  heard(message: LooseMessage, child: Child): Promise<void> | void;
  /** Another child answers from now on, which it goes on with, and which may have another catalogue. */
  moved?(): void;
  /** Whether it waits for what a child says by itself, so that the child is not idle. */
  readonly listens?: boolean;
  /** Nothing more comes from the child. */
  lost?(): void;
}

/** A child that runs. */
export interface Child {
  readonly link: ServerLink;
  readonly users: ReadonlySet<ChildUser>;
  readonly opened: unknown;
  /** What its users agree on. */
  readonly notes: Map<string, unknown>;
}

/** What becomes of a child that was launched. */
export interface ChildHooks {
  /** A promise holds back what it says. */
  readonly onMessage: (message: Message) => Promise<void> | void;
  readonly onRefused: (refusal: Refusal) => void;
  readonly onEnd: (end: ProcessEnd) => void;
}

/** A server that was launched. */
export interface LaunchedChild {
  readonly queuedBytes: number;
  send(text: string): Promise<boolean>;
  stop(reason: string): Promise<void>;
  /** What it was launched with: another when that has changed. */
  readonly version: string;
}

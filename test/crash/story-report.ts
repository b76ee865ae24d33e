import type { Phase } from './kill-points.ts';

/** One delivery to the chat. */
export interface Delivery {
  readonly host: string;
  readonly question: string;
  readonly text: string;
  /** The key the chat tells repetitions by; none for an answer given at once. */
  readonly key: string | undefined;
}

/** How a story went, from a first question to a logout. */
export interface StoryReport {
  readonly deliveries: readonly Delivery[];
  readonly abandoned: readonly string[];
  /** Sign-ins that a person had to go through, from a link to its last page. */
  readonly signIns: { readonly first: number; readonly afterRefresh: number };
  readonly registrations: number;
  readonly exchanges: number;
  readonly refreshes: number;
  readonly refusedGrants: number;
  readonly revocations: number;
  /** Whether the calendar accepts none of the tokens the story's processes were ever given. */
  readonly tokensDead: boolean;
  /** Whether a question after the logout asked for a sign-in. */
  readonly askedAfterLogout: boolean;
  /** Secrets found readable in the files of the store, by how they begin. */
  readonly readable: readonly string[];
  /** The last step of the victim before it died. */
  readonly lastStep: string | undefined;
  readonly died: boolean;
  /** The steps of each phase in the victim, when nobody died. */
  readonly steps: ReadonlyMap<Phase, readonly string[]>;
  readonly complaints: readonly string[];
  readonly tookMs: number;
}

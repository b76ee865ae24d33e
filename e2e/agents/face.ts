import type { SignInRequest } from '../../src/agents/index.ts';
import type { ClientManager } from '../../src/client/index.ts';
import type { Script } from './script.ts';

/** An answer of a run that was paused. */
export interface Answered {
  readonly contextId: string;
  readonly metadata: unknown;
  readonly text: string;
}

/** What every framework's runs can do, as far as the variants go. */
export interface FaceRuns {
  /** The answer, or `waiting` with the id of the run. */
  start(
    user: string,
    script: Script,
    metadata?: unknown,
  ): Promise<{ readonly text: string } | { readonly waiting: string }>;
  wake(user: string, runId: string): Promise<string>;
  /** How often the host's own tool `note` ran in this process. */
  readonly notes: () => number;
  /** How often `pay` ran in this process, which wants an approval of the host's own. */
  readonly payments: () => number;
  /** The framework alone: how often `pay` runs when its one approval is gone on with twice at once, and once more. */
  readonly payTwice: (user: string) => Promise<number>;
  /**
   * A host that calls the framework itself, has been handed a forged approval, and goes on with it: what the model was told, or
   * `still paused` where the framework lets a call pause again.
   */
  readonly forge: (user: string, script: Script) => Promise<string>;
  /** A host that calls the framework itself, and goes on twice at once with what it was stopped with, when `meanwhile` is over. */
  readonly twice: (
    user: string,
    script: Script,
    meanwhile: () => Promise<void>,
  ) => Promise<readonly string[]>;
  /** Everything that models were sent in this process, as text. */
  readonly sent: () => string;
}

export interface FaceOptions {
  readonly waitMs?: number;
  /** Where the framework streams: has it, and is told of each piece. */
  readonly onPiece?: () => void;
  readonly tell: (request: SignInRequest) => void;
  readonly onAnswer: (answer: Answered) => void;
}

export type OpenFace = (manager: ClientManager, options: FaceOptions) => FaceRuns;

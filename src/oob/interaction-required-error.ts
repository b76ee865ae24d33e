import { findPosternError, isPosternError, PosternError } from '../core/postern-error.ts';
import type { PendingKind } from '../pending/pending.ts';

/** What a person has to do before a tool can go on. Safe to show to a client: it carries no secret and no personal data. */
export interface Interaction {
  readonly pendingId: string;
  readonly kind: PendingKind;
  /** The one live link. It leads to our own page, which checks who opens it. */
  readonly url: string;
  /** What is asked for, in a sentence for the person. */
  readonly message: string;
  readonly expiresAtMs: number;
  readonly resource?: string | undefined;
  readonly alias?: string | undefined;
}

/** The call needs a person. Give them `interaction.url`. */
export class InteractionRequiredError extends PosternError {
  override readonly name: string = 'InteractionRequiredError';
  readonly interaction: Interaction;

  constructor(interaction: Interaction) {
    super('ERR_POSTERN_OOB_INTERACTION_REQUIRED', `a person has to finish a ${interaction.kind} first`, {
      hint: 'Open the link, then try again.',
    });
    this.interaction = interaction;
  }
}

/** The {@link InteractionRequiredError} in a value, or in its chain of causes. */
export function findInteractionRequired(value: unknown): InteractionRequiredError | undefined {
  const error = findPosternError(value);
  return isPosternError(error, 'ERR_POSTERN_OOB_INTERACTION_REQUIRED')
    ? (error as unknown as InteractionRequiredError)
    : undefined;
}

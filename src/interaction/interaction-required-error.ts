import type { PosternErrorCode } from '../core/error-codes.ts';
import { findPosternError, isPosternError, PosternError } from '../core/postern-error.ts';
import type { Pending, PendingKind } from '../pending/pending.ts';
import { dataOf, type InteractionData } from './flow.ts';

/** What a person has to do before a call can go on. Safe to show to a client: it carries no secret and no personal data. */
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

  constructor(
    interaction: Interaction,
    code: PosternErrorCode = 'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    message: string = `a person has to finish a ${interaction.kind} first`,
    hint: string = 'Open the link, then try again.',
  ) {
    super(code, message, { hint });
    this.interaction = interaction;
  }
}

/** The {@link InteractionRequiredError} in a value, or in its chain of causes. */
export function findInteractionRequired(value: unknown): InteractionRequiredError | undefined {
  const error = findPosternError(value);
  return isPosternError(error, 'ERR_POSTERN_OOB_INTERACTION_REQUIRED') ||
    isPosternError(error, 'ERR_POSTERN_AUTH_REQUIRED')
    ? (error as unknown as InteractionRequiredError)
    : undefined;
}

/** A live pending, as what a person has to do. */
export function interactionOf(pending: Pending<InteractionData>): Interaction {
  const { id, kind, url, expiresAtMs, resource, alias } = pending;
  return { pendingId: id, kind, url, message: dataOf(pending).message, expiresAtMs, resource, alias };
}

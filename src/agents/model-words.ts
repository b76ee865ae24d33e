import type { CallToolResult } from '@modelcontextprotocol/client';
import { explain } from '../core/explain.ts';
import { findPosternError } from '../core/postern-error.ts';
import type { PendingStatus } from '../pending/pending.ts';

/** Longer than any message a server means a model to act on. */
const maxMessage = 2_000;

/** What a model is told instead of a server's result. */
export function told(text: string, options: { readonly isError?: boolean } = {}): CallToolResult {
  return { content: [{ type: 'text', text }], ...(options.isError === true && { isError: true }) };
}

/** A failed call, as its result. Never holds a link: only {@link TellPerson} gives that out. */
export function toldFailure(error: unknown): CallToolResult {
  if (findPosternError(error) !== undefined) return told(explain(error, { for: 'model' }), { isError: true });
  const message = error instanceof Error ? error.message : 'for a reason that was not given';
  return told(`The call failed: ${message.slice(0, maxMessage)}`, { isError: true });
}

/** Why a call that waited for a person was not made. */
export function refusalWords(service: string, status: Exclude<PendingStatus, 'completed'>): string {
  const name = JSON.stringify(service);
  switch (status) {
    case 'pending':
      return `The call was not made: the user has not finished signing in to ${name}.`;
    case 'cancelled':
      return `The call was not made: the user declined to sign in to ${name}. Do not ask again unless they say so.`;
    case 'expired':
      return `The call was not made: the user did not sign in to ${name} in time. They can be asked again when they want that.`;
    case 'failed':
      return `The call was not made: signing in to ${name} failed. Tell the user so.`;
  }
}

/** A server wanted the person only once it was called. */
export function lateWords(service: string, tool: string): string {
  return (
    `The call was not made: the user has to give access at ${JSON.stringify(service)} first, and has been asked to. ` +
    `Call ${JSON.stringify(tool)} again with the same arguments to wait for them.`
  );
}

export const unknownOutcomeWords: string =
  'It is not known whether this call was carried out: the program ended while it was under way. ' +
  'It was not repeated. Find out what has happened before you call it again.';

export const lostResultWords =
  'This call was carried out before, and only once. Its result was too long to keep.';

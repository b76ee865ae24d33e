import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Pending } from '../../pending/pending.ts';
import type { InteractionData } from '../flow.ts';

/** What another server wants a person to do at a link of its own. */
export interface Elicitation {
  readonly url: string;
  /** That server's own words. */
  readonly message: string;
  /** What it will name the end by, where it says so. */
  readonly elicitationId?: string | undefined;
}

/** Why a person is asked: which server, by the name the host knows it by, and for what. */
export interface ElicitationCause {
  readonly server: string;
  readonly elicitations: readonly Elicitation[];
  /** A digest of the call that needs it. */
  readonly call?: string | undefined;
}

export const causeSchema: ZodType<ElicitationCause> = z.lazy(() =>
  z.looseObject({
    server: z.string(),
    call: z.string().optional(),
    elicitations: z.array(
      z.looseObject({ url: z.string(), message: z.string(), elicitationId: z.string().optional() }),
    ),
  }),
);

/** Why the person of a live pending of this flow is asked; `undefined` of any other. */
export function causeOf({ data }: Pending<InteractionData>): ElicitationCause | undefined {
  return causeSchema.safeParse(data?.data).data;
}

/** Whether two are the same question: one link, or one for which the server has made a new link. */
export function isSameQuestion(one: readonly Elicitation[], other: readonly Elicitation[]): boolean {
  const texts = (each: (elicitation: Elicitation) => string): boolean =>
    JSON.stringify(one.map(each)) === JSON.stringify(other.map(each));
  return texts(({ url }) => url) || texts(({ url, message }) => `${originOf(url)} ${message}`);
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

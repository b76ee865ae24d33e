import * as z from 'zod';
import type { Pending } from '../pending/pending.ts';
import type { InteractionData } from './flow.ts';

/** What is remembered of an interaction that has ended, for whoever is told of it later, or elsewhere. */
export interface RememberedInteraction {
  readonly resource: string;
  readonly alias: string;
  /** As of the latest call that needed it. */
  readonly metadata?: unknown;
}

const schema = z.lazy(() =>
  z.looseObject({
    resource: z.string(),
    alias: z.string(),
    metadata: z.unknown().optional(),
  }),
);

export function rememberedOf({ request, metadata }: InteractionData): RememberedInteraction {
  const { resource, alias } = request;
  return { resource, alias, ...(metadata !== undefined && { metadata }) };
}

/** What an interaction was for, whether it lives or has ended. */
export function remembered(pending: Pending<InteractionData>): RememberedInteraction {
  if (pending.data !== undefined) return rememberedOf(pending.data);
  const { resource = '', alias = '' } = pending;
  return schema.safeParse(pending.remembered).data ?? { resource, alias };
}

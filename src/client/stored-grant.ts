import { z, type ZodType } from 'zod';
import { grantSchema, type Grant } from '../oauth/grant-record.ts';

/** A grant as it is kept, with what is known of how it came about. */
export interface StoredGrant {
  readonly grant: Grant;
  /** What the person was asked for; the server may have granted less. */
  readonly requestedScopes: readonly string[];
  /** When a person, or the client itself, was authorized; refreshing does not change it. */
  readonly authorizedAtMs: number;
}

export const storedGrant: ZodType<StoredGrant> = z.looseObject({
  grant: grantSchema,
  requestedScopes: z.array(z.string()),
  authorizedAtMs: z.number(),
});

/** Where the grant of one server is, below its namespace. */
export function grantPath(server: string): readonly string[] {
  return ['server', server, 'connection', 'oauth', 'grant'];
}

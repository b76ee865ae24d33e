import type { Stored } from '../../storage/collection.ts';
import type { CredentialFacts, CredentialKind } from '../credential-kind.ts';
import type { StoredCredential } from './credential-store.ts';

/** What is kept at a place, without the credential itself. */
export interface KeptCredential extends CredentialFacts {
  readonly resource: string;
  readonly alias: string;
  readonly scopes: readonly string[];
  /** When its person gave it. */
  readonly obtainedAtMs: number;
}

/** What can be said of a stored credential. Of a kind that this process does not know, it is that it is there. */
export function keptCredential(
  { path: [resource = '', alias = ''], value }: Pick<Stored<StoredCredential>, 'path' | 'value'>,
  kind: CredentialKind | undefined,
  nowMs: number,
): KeptCredential {
  const { scopes, obtainedAtMs, credential, refused, ended, account } = value;
  if (ended === true)
    return { resource, alias, scopes, obtainedAtMs, condition: 'over', renewable: false, account };
  const facts: CredentialFacts = kind?.factsOf?.(credential, nowMs, scopes) ?? {
    condition: 'good',
    renewable: kind?.renew !== undefined,
  };
  // Its service has refused it, whatever its own account says.
  const isOver = refused === true && { condition: 'over' as const };
  return { resource, alias, scopes, obtainedAtMs, ...facts, ...isOver };
}

import type { NamedFlow } from '../interaction/flow.ts';

/** Which account is meant where none is named. */
export const defaultAlias = 'default';

/** Which credential is wanted, and how to get it from the person if there is none. */
export interface CredentialRequest<C> {
  /** What it is for: a host, a connection. */
  readonly resource: string;
  /** Which of several accounts. Default `default`. */
  readonly alias?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** Whom its service is to expect, as the person calls that account. Only ever a suggestion. */
  readonly loginHint?: string | undefined;
  /** What is known already and is no secret: values to fill a form in with. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly flow: NamedFlow<C>;
}

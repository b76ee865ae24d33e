import type { NamedFlow } from '../interaction/flow.ts';

/** Which credential is wanted, and how to get it from the person if there is none. */
export interface CredentialRequest<C, S = unknown> {
  /** What it is for: a host, a connection. */
  readonly resource: string;
  /** Which of several accounts. Default `default`. */
  readonly alias?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** What is known already and is no secret: values to fill a form in with. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly flow: NamedFlow<C, S>;
}

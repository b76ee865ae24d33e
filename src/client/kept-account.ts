import type { KeptCredential } from '../interaction/credentials/kept-credential.ts';

/** What a context's person has given for one account at a server, without the credential itself. */
export interface KeptAccount extends KeptCredential {
  readonly server: string;
}

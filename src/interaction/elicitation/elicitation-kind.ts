import type { CredentialKind } from '../credential-kind.ts';

/** What a person has done elsewhere: it leaves nothing here. */
export const elicitationKind: CredentialKind<never> = {
  name: 'elicitation',
  keeps: false,
  read: () => undefined,
};

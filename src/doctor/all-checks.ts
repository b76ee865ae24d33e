import type { Check } from './check.ts';
import { address } from './checks/address.ts';
import { challenge } from './checks/challenge.ts';
import { cleanUp } from './checks/clean-up.ts';
import { clocks } from './checks/clocks.ts';
import { elicitation } from './checks/elicitation.ts';
import { endpoint } from './checks/endpoint.ts';
import { discover, initialize } from './checks/eras.ts';
import { issuer } from './checks/issuer.ts';
import { network } from './checks/network.ts';
import { pkce } from './checks/pkce.ts';
import { redirectUri } from './checks/redirect-uri.ts';
import { refresh } from './checks/refresh.ts';
import { registration } from './checks/registration.ts';
import { resourceMetadata } from './checks/resource-metadata.ts';
import { resource } from './checks/resource.ts';
import { revocation } from './checks/revocation.ts';
import { scopes } from './checks/scopes.ts';
import { signIn } from './checks/sign-in.ts';

/** Everything that is looked into, in order: a step builds on what those before it have learnt. */
export const allChecks: readonly Check[] = [
  address,
  network,
  initialize,
  discover,
  endpoint,
  challenge,
  resourceMetadata,
  issuer,
  registration,
  pkce,
  redirectUri,
  resource,
  scopes,
  refresh,
  revocation,
  signIn,
  elicitation,
  clocks,
  cleanUp,
];

/** Logins on the AT Protocol network, and requests as the accounts that are logged in. */
export { atprotoAgent, type AtprotoCredentialSource, type AtprotoFetch } from './agent.ts';
export { atprotoAppPassword } from './app-password.ts';
export {
  loopbackApplication,
  webApplication,
  type AtprotoApplication,
  type LoopbackApplicationOptions,
  type WebApplication,
  type WebApplicationOptions,
} from './application.ts';
export { readAccountName } from './identities.ts';
export { AtprotoNetwork, type AtprotoNetworkOptions } from './network.ts';
export type { AtprotoCredential, SessionServices } from './session-kind.ts';
export { atprotoSignIn, type AtprotoSignInOptions } from './sign-in.ts';

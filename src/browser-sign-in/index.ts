export { browserSignIn, type BrowserSignIn, type BrowserSignInOptions } from './browser-sign-in.ts';
export type { SignedInPerson } from './person-sessions.ts';

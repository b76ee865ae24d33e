import type { SignInCode } from '../../interaction/oauth/sign-in-code.ts';

/** What a person at a terminal is shown. */
export interface SignInLink extends Partial<SignInCode> {
  /** Leads to this machine. Where there is a code, that is enough, and this may be out of their browser's reach. */
  readonly url: string;
  readonly server: string;
  /** Which of their accounts there. */
  readonly alias: string;
  readonly expiresAtMs: number;
  /** For `authorizationUrl` of the coordinator, where no browser reaches this machine. */
  readonly pendingId: string;
  /** A browser is being opened with it, too. */
  readonly opens: boolean;
}

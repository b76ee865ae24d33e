import type { ErrorAnswer } from '../oauth/error-answer.ts';

/**
 * What an authorization endpoint makes of a request, before anybody has logged in:
 *
 * - `onward`: it leads on, to a login; `page`: it answers with a page, which may say anything; `approved`: it comes back
 *   with a code at once;
 * - `error`: it comes back with an error, so it accepts client and redirect URI;
 * - `refused`, `failing`: it answers by itself, with 4xx or 5xx.
 */
export type AuthorizeOutcome =
  | {
      readonly kind: 'onward' | 'page' | 'approved';
      readonly status: number;
      readonly iss?: string | undefined;
    }
  | {
      readonly kind: 'error';
      readonly status: number;
      /** A registered code, or `undefined` for another. */
      readonly error: string | undefined;
      readonly answer: ErrorAnswer;
      readonly iss?: string | undefined;
    }
  | { readonly kind: 'refused' | 'failing'; readonly status: number; readonly answer: ErrorAnswer };

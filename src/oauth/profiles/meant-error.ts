import { codesOf, type ErrorAnswer } from '../error-answer.ts';
import type { IssuerProfile } from './issuer-profile.ts';

type ErrorReading = Pick<IssuerProfile, 'errorAliases' | 'successMember'>;

/** Whether a reply says that something went wrong, whatever its status says. */
export function isErrorAnswer(answer: ErrorAnswer, profile: ErrorReading | undefined): boolean {
  const { error } = answer;
  if (error !== undefined && error !== null && error !== '') return true;
  return profile?.successMember !== undefined && answer[profile.successMember] === false;
}

/** The error an answer comes to: the registered one that a code in it stands for, the most particular first, else its own. */
export function meantError(answer: ErrorAnswer, profile: ErrorReading | undefined): unknown {
  const { errorAliases: aliases = {} } = profile ?? {};
  const known = codesOf(answer).findLast((code) => Object.hasOwn(aliases, code));
  return (known === undefined ? undefined : aliases[known]) ?? (answer['error'] || undefined);
}

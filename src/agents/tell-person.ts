import { noticeOf } from '../client/coordinators/terminal-notice.ts';
import type { AuthChallenge } from '../client/auth/authorization-required-error.ts';

/** A person who has to be told that an agent waits for them. */
export interface SignInRequest {
  readonly contextId: string;
  /** The host's own, of the run that waits: a thread, a channel. */
  readonly metadata: unknown;
  readonly runId: string;
  /** What they sign in to. */
  readonly service: string;
  /** Why, in the words of the model; show them as such. */
  readonly reason?: string | undefined;
  /** The link, for that person alone. */
  readonly challenge: AuthChallenge;
}

/**
 * Gives a person their link, once for each run that waits on it. What it throws fails the turn: nobody has been told.
 *
 * It returns nothing, and the run pauses. Where it returns a text, that is what the model is told instead, and the turn
 * goes on without the call.
 */
export type TellPerson = (
  request: SignInRequest,
) => Promise<string | undefined | void> | string | undefined | void;

/** Writes the link to the console, for programs at a terminal. */
export function onConsole(write: (line: string) => void = toConsole): TellPerson {
  return ({ challenge }) => write(noticeOf({ ...challenge, opens: false }));
}

function toConsole(line: string): void {
  // oxlint-disable-next-line no-console -- Where a host asked for it.
  console.error(line);
}

/**
 * Has the model pass the link on. The run does not pause: the person comes back by themselves.
 *
 * Whatever reads the conversation reads the link, too; it lets in nobody but its person, as far as the gate knows people.
 */
export function throughModel(): TellPerson {
  return ({ service, challenge }) =>
    `The call was not made: the user has to sign in to ${JSON.stringify(service)} first. ` +
    `Give them this link, as it is: ${challenge.url} When they say that they have done it, call the tool again.`;
}

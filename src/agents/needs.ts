import {
  findAuthorizationRequired,
  type AuthChallenge,
} from '../client/auth/authorization-required-error.ts';
import type { Client } from '../client/client.ts';

/** A tool of one server, and with which of the context's accounts it is called. */
export interface ToolAt {
  readonly server: string;
  readonly name: string;
  /** Default: `default`. */
  readonly alias?: string | undefined;
}

/** What a person has to do before a call can be made. Further reasons may come: treat an unknown one as this one. */
export interface Need {
  readonly reason: 'sign-in';
  /** The one live link, and its pending. For that person alone. */
  readonly challenge: AuthChallenge;
}

/**
 * What a person has to do before a tool can be called; `undefined` when nothing is known of.
 *
 * Where something is kept for the server this is one read of the store at most, and nothing goes over the network. Otherwise the
 * server is asked, and its refusal asks the person: everyone who asks meanwhile has the same link. A failure that needs no
 * person is no need: the call itself will say it.
 *
 * @param _args are for reasons that depend on them; a sign-in does not.
 * @example
 * const need = await needs(client, { server: 'calendar', name: 'list_events' }, {});
 * if (need !== undefined) await tell(user, need.challenge.url);
 */
export async function needs(
  client: Client,
  { server, alias }: ToolAt,
  _args?: Readonly<Record<string, unknown>>,
): Promise<Need | undefined> {
  const session = client.session(server, { alias });
  if (session.hasCredential) return undefined;
  const kept = await session.findKept();
  if (kept === undefined ? session.isOperational : kept.condition !== 'over') return undefined;
  try {
    // What a server refuses without a credential, and as a rule answers nobody else.
    await session.listTools({ refresh: true });
    return undefined;
  } catch (error) {
    const required = findAuthorizationRequired(error);
    return required && { reason: 'sign-in', challenge: required.challenge };
  }
}

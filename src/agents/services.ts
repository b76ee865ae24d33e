import type { Tool } from '@modelcontextprotocol/client';
import { sleep } from '../core/clock.ts';
import { defaultAlias } from '../client/account-alias.ts';
import {
  findAuthorizationRequired,
  type AuthChallenge,
} from '../client/auth/authorization-required-error.ts';
import type { Client } from '../client/client.ts';

/** A server, and with which of its user's accounts there an agent uses it. */
export interface ServiceAt {
  readonly server: string;
  readonly alias: string;
}

/** What an agent can do with one of them just now. */
export type Service = ServiceAt &
  (
    | {
        readonly state: 'connected';
        readonly tools: readonly Tool[];
        /** Whose account it is used with, where that is known. */
        readonly account?: string | undefined;
      }
    | { readonly state: 'signed-out'; readonly challenge?: AuthChallenge | undefined }
    | { readonly state: 'unreachable' }
  );

/** Which of its user's accounts at a server an agent has, by alias. */
export type AccountsOf = (at: {
  readonly client: Client;
  readonly server: string;
  readonly metadata: unknown;
}) => readonly string[] | Promise<readonly string[]>;

/** What a model, and a person, knows a service by. */
export function serviceName({ server, alias }: ServiceAt): string {
  return alias === defaultAlias ? server : `${server}/${alias}`;
}

/**
 * What can be done with each server, all asked at once.
 *
 * @param limitMs how long a server may take. One that is slower, or that fails, keeps nobody from the others.
 */
export async function readServices(
  client: Client,
  {
    accountsOf,
    metadata,
    limitMs,
  }: { readonly accountsOf: AccountsOf | undefined; readonly metadata: unknown; readonly limitMs: number },
): Promise<Service[]> {
  const found = await Promise.all(
    client.servers.map(async (server) => {
      const aliases = (await accountsOf?.({ client, server, metadata })) ?? [defaultAlias];
      return aliases.map((alias) => readService(client, { server, alias }, limitMs));
    }),
  );
  return Promise.all(found.flat());
}

async function readService(client: Client, at: ServiceAt, limitMs: number): Promise<Service> {
  const late = new AbortController();
  const session = client.session(at.server, at);
  const read = async (): Promise<Service> => {
    const tools = await session.listTools({ signal: late.signal });
    const account = (await session.findKept())?.account?.name;
    return { ...at, state: 'connected', tools, account };
  };
  const tooLate = sleep(limitMs, { signal: late.signal, keepAlive: false }).then((): Service => ({
    ...at,
    state: session.requiresUserAction ? 'signed-out' : 'unreachable',
  }));
  try {
    return await Promise.race([read(), tooLate]);
  } catch (error) {
    const challenge = findAuthorizationRequired(error)?.challenge;
    // A person who said no a moment ago is not asked anew, and can still change their mind.
    const isSignedOut =
      challenge !== undefined || session.requiresUserAction || session.status === 'AUTH_FAILED';
    return isSignedOut ? { ...at, state: 'signed-out', challenge } : { ...at, state: 'unreachable' };
  } finally {
    late.abort();
  }
}

/** Longer than a name of an account that is one. */
const maxName = 100;

/**
 * A system prompt with what is connected, and what awaits the user: true at the moment it is made.
 *
 * @param authTool the name of the tool that has the user asked.
 */
export function promptWith(base: string, services: readonly Service[], authTool: string): string {
  if (services.length === 0) return base;
  const lines = services.map(
    (service) => `- ${JSON.stringify(serviceName(service))}: ${stateWords(service, authTool)}`,
  );
  return `${base}\n\n# Services of the user\n\n${lines.join('\n')}\n\nNever ask the user for a password, a key or a code, and never make up a sign-in link.`;
}

function stateWords(service: Service, authTool: string): string {
  switch (service.state) {
    case 'connected': {
      // Whoever has an account chooses its name, so it is quoted and short.
      const name =
        service.account === undefined ? '' : ` as ${JSON.stringify(service.account.slice(0, maxName))}`;
      return `connected${name}.`;
    }
    case 'signed-out':
      return `not connected: the user has to sign in first. When you need it, call ${authTool}; they are asked outside this conversation, and you go on afterwards.`;
    case 'unreachable':
      return 'cannot be reached just now.';
  }
}

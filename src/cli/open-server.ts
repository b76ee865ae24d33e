import { accountAt } from '../client/account-alias.ts';
import { findAuthorizationRequired } from '../client/auth/authorization-required-error.ts';
import { Client } from '../client/client.ts';
import {
  LocalAuthCoordinator,
  type LocalAuthCoordinatorOptions,
} from '../client/coordinators/local-auth-coordinator.ts';
import type { ServerConfig } from '../client/server-config.ts';
import type { Session } from '../client/session/session.ts';
import { PosternError } from '../core/postern-error.ts';
import { commandLogger } from './command-logger.ts';
import { ownContext } from './own-context.ts';
import { openOwnStore } from './own-store.ts';
import type { CommandContext } from './run-command.ts';
import { findServer, type NamedServer } from './servers.ts';
import { takeOverSignIns } from './take-over.ts';

/** How a person is asked to sign in; or that nobody is. */
export type Asking = Pick<LocalAuthCoordinatorOptions, 'autoOpenBrowser' | 'onLink' | 'signInBy'> | 'nobody';

/** The sign-ins of whoever runs the command, and nothing else yet. */
export class OwnSignIns implements AsyncDisposable {
  readonly coordinator: LocalAuthCoordinator;
  /** What was asked for in vain, since nobody was to be asked. */
  readonly #unasked: string[] = [];

  /** @param asking default: as `LocalAuthCoordinator` does at a terminal. */
  constructor(options: Pick<LocalAuthCoordinatorOptions, 'storage' | 'logger'>, asking: Asking) {
    const nobody: LocalAuthCoordinatorOptions = {
      autoOpenBrowser: false,
      blockUntilCallback: false,
      onLink: ({ pendingId }) => void this.#unasked.push(pendingId),
    };
    this.coordinator = new LocalAuthCoordinator({ ...options, ...(asking === 'nobody' ? nobody : asking) });
  }

  /** A client of these servers. */
  client(
    servers: Readonly<Record<string, ServerConfig>>,
    options: { timeoutMs?: number | undefined } = {},
  ): Client {
    const { coordinator } = this;
    const context = coordinator.createContext(ownContext);
    return new Client(servers, { coordinator, context, connectTimeoutMs: options.timeoutMs });
  }

  /** Which servers somebody has signed in to, or did once: under which name, at which address. */
  async places(): Promise<{ server: string; alias: string; resource: string }[]> {
    const { namespace } = this.coordinator.createContext(ownContext);
    const kept = await this.coordinator.interactions.list(namespace, { ended: true });
    return kept.map(({ resource, alias }) => ({ ...accountAt(alias), resource }));
  }

  /** The server that is meant by an address or a name. */
  async find(target: string, config: string | undefined): Promise<NamedServer> {
    const server = await findServer(target, { config, kept: () => this.places() });
    await takeOverSignIns(this.coordinator.storage, [[server.name, server.config]]);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { interactions, pendings, storage } = this.coordinator;
    const { namespace } = this.coordinator.createContext(ownContext);
    // Nobody has a link to it, and whoever signs in next is to get one of their own.
    for (const id of this.#unasked) {
      const pending = await pendings.in(namespace).get(id);
      if (pending?.status === 'pending') await interactions.withdraw(pending);
    }
    await this.coordinator.close();
    await storage.close();
  }
}

/** Opens what is kept for whoever runs the command. */
export async function openSignIns(
  { output, options }: CommandContext,
  asking: Asking = {},
): Promise<OwnSignIns> {
  const storage = await openOwnStore(output);
  return new OwnSignIns({ storage, logger: commandLogger(options) }, asking);
}

/** One server that a command is about, and one of its person's accounts there. */
export interface OpenedServer extends AsyncDisposable {
  readonly server: NamedServer;
  readonly client: Client;
  readonly session: Session;
}

/** What there is to say of the account at a server that is meant. */
export interface WhichAccount {
  /** Which of several. */
  readonly account?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Laid over what the file of servers says. */
  readonly auth?: ((config: ServerConfig) => ServerConfig) | undefined;
  /** Whom the issuer is to expect. */
  readonly hint?: string | undefined;
}

/** Opens one server, without connecting to it. */
export async function openServer(
  target: string,
  context: CommandContext,
  asking: Asking,
  which: WhichAccount = {},
): Promise<OpenedServer> {
  const signIns = await openSignIns(context, asking);
  try {
    const found = await signIns.find(target, context.options.config);
    const server = { name: found.name, config: which.auth?.(found.config) ?? found.config };
    const client = signIns.client({ [server.name]: server.config }, which);
    const session = client.session(server.name, { alias: which.account, loginHint: which.hint });
    const close = async (): Promise<void> => {
      await client.close();
      await signIns[Symbol.asyncDispose]();
    };
    return { server, client, session, [Symbol.asyncDispose]: close };
  } catch (error) {
    await signIns[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Whoever runs a command that asks nobody is told what to do, and not a link that leads to a process which has ended.
 *
 * @param target the server as it was named to the command.
 * @returns what to throw in place of an error.
 */
export function loginNeeded(error: unknown, target: string): unknown {
  const required = findAuthorizationRequired(error);
  if (required === undefined) return error;
  const name = JSON.stringify(target);
  const { grantStays, challenge } = required;
  // Only the call itself can ask for these.
  if (grantStays || challenge.kind === 'elicitation') {
    return new PosternError('ERR_POSTERN_AUTH_REQUIRED', `${name} wants more of somebody for this call`, {
      hint: 'Run it where somebody looks, or with --login.',
    });
  }
  return new PosternError('ERR_POSTERN_AUTH_REQUIRED', `somebody has to sign in to ${name} first`, {
    hint: `Run \`postern login ${target}\`, and then this again.`,
  });
}

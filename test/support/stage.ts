import { onTestFinished } from 'vitest';
import {
  startCalendarServer,
  type CalendarServer,
  type CalendarServerOptions,
} from '../../demo/calendar-server.ts';
import {
  ClientManager,
  findAuthorizationRequired,
  RemoteAuthCoordinator,
  type AuthChallenge,
  type ClientManagerOptions,
  type RemoteAuthCoordinatorOptions,
  type ServerConfig,
} from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import type { Page } from './cookie-browser.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServerOptions,
} from './programmable-authorization-server.ts';
import { userOf } from './page-host.ts';
import { recordOutput } from './outputs.ts';
import { resourceSideOf } from './resource-side.ts';
import { openSurroundings, type Surroundings } from './surroundings.ts';
import { tellAll } from './tell-all.ts';

export interface StageOptions {
  readonly as?: ProgrammableAuthorizationServerOptions;
  readonly calendar?: Partial<CalendarServerOptions>;
  readonly coordinator?: Partial<RemoteAuthCoordinatorOptions>;
  readonly manager?: Partial<ClientManagerOptions>;
  /** What the managers are configured with. Default: the calendar alone. */
  readonly servers?: (
    calendar: CalendarServer,
    as: ProgrammableAuthorizationServer,
  ) => Record<string, ServerConfig>;
  /** Put around the store. Default: nothing. */
  readonly around?: (storage: StorageBackend) => StorageBackend;
  /** How many coordinators share the store and the address. Default 1. */
  readonly hosts?: number;
}

/** Everybody who takes part in a sign-in, on real sockets, each as obedient or as hostile as the test wants. */
export interface Stage extends Surroundings {
  readonly as: ProgrammableAuthorizationServer;
  readonly calendar: CalendarServer;
  readonly coordinator: RemoteAuthCoordinator;
  readonly manager: ClientManager;
  /** As many as there are hosts; the first is `manager`. */
  readonly managers: readonly ClientManager[];
  /** Has a context signed in, all the way. */
  signIn(contextId: string): Promise<void>;
  /** The link that a call of this context asks for. */
  linkOf(contextId: string): Promise<AuthChallenge>;
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const as = await startProgrammableAuthorizationServer(options.as);
  onTestFinished(() => as.close());
  const calendar = await startCalendarServer({
    authorizationServer: resourceSideOf(as),
    ...options.calendar,
  });
  onTestFinished(() => calendar.close());
  const { host, time, logger, storage } = await openSurroundings();
  const seen = options.around?.(storage) ?? storage;
  const servers = options.servers?.(calendar, as) ?? { calendar: { url: calendar.url } };
  const managers = Array.from({ length: options.hosts ?? 1 }, () => {
    const coordinator = new RemoteAuthCoordinator({
      storage: seen,
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      clock: time.clock,
      logger,
      ...options.coordinator,
    });
    host.handlers.push(coordinator.fetch);
    const manager = new ClientManager(servers, {
      coordinator,
      clock: time.clock,
      logger,
      connectTimeoutMs: 10_000,
      ...options.manager,
    });
    onTestFinished(async () => {
      storage.fault = () => undefined;
      await manager.close();
    });
    return manager;
  });
  const [manager] = managers;
  if (manager === undefined) throw new RangeError('a stage needs a host');

  const linkOf = async (contextId: string): Promise<AuthChallenge> => {
    const client = await manager.getClient(contextId);
    return challengeOf(client.callTool('whoami'));
  };
  return {
    as,
    calendar,
    host,
    storage,
    time,
    logger,
    coordinator: manager.coordinator as RemoteAuthCoordinator,
    manager,
    managers,
    linkOf,
    signIn: async (contextId) => {
      const challenge = await linkOf(contextId);
      as.approveAs(contextId);
      const browser = await host.openBrowser(contextId);
      const page = await browser.open(challenge.url);
      if (page.status !== 200) throw new Error(`the sign-in ended with status ${page.status}`);
    },
  };
}

/** The challenge that some work fails with. */
export async function challengeOf(work: Promise<unknown>): Promise<AuthChallenge> {
  const required = findAuthorizationRequired(await failureOf(work));
  if (required === undefined) throw new Error('the failure asks for no sign-in');
  return required.challenge;
}

/** The code that some work fails with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await failureOf(work);
  return findPosternError(error)?.code ?? `no PosternError: ${String(error)}`;
}

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    recordOutput('an error', `${tellAll(error)}\n`);
    return error;
  }
  throw new Error('it did not fail');
}

export { walkToCallback as callbackOf } from '../heart/walk.ts';
export { resourceSideOf } from './resource-side.ts';

/** The code a page shows for people to quote. */
export function codeOn(page: Page): string | undefined {
  return /ERR_POSTERN_\w+/u.exec(page.html)?.[0];
}

/** The text of a tool's result. */
export function textOf(result: { content: readonly unknown[] }): string {
  const [block] = result.content as { text?: string }[];
  return block?.text ?? '';
}

/** A copy of a URL with other parameters: `undefined` takes one out, a list repeats it. */
export function withParams(
  url: URL,
  params: Readonly<Record<string, string | readonly string[] | undefined>>,
): string {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(params)) {
    changed.searchParams.delete(name);
    for (const each of value === undefined ? [] : [value].flat()) changed.searchParams.append(name, each);
  }
  return changed.href;
}

import { onTestFinished } from 'vitest';
import {
  Client,
  ClientManager,
  findAuthorizationRequired,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  type AuthCoordinator,
} from '../../../src/client/index.ts';
import { findPosternError } from '../../../src/index.ts';
import { userOf } from '../../support/page-host.ts';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { walkToCallback } from '../walk.ts';
import { paste, pastedAt, prepareCallback, refusalOf } from './callback-answer.ts';
import { openInstanceStorage, type InstanceStorage } from './instance.ts';
import { issuerOf } from './programmable-issuer.ts';
import type { HeartStage, SetUp } from './set-up.ts';

/** An agent for many users, behind a web application: two processes at one address. */
export const clientDeployed: SetUp = {
  name: 'client deployed',
  async open() {
    const stage = await openStage();
    const { handlers } = stage.host;
    handlers.splice(0);
    const instances = openInstances(stage);
    const managers = instances.map(({ storage }) => {
      const { clock } = stage.time;
      const coordinator = new RemoteAuthCoordinator({
        storage,
        publicUrl: stage.host.publicUrl,
        verifyUser: userOf,
        clock,
      });
      handlers.push(coordinator.fetch);
      const manager = new ClientManager({ calendar: { url: stage.calendar.url } }, { coordinator, clock });
      onTestFinished(() => manager.close());
      return manager;
    });
    const each = [...handlers];
    return createStage(stage, {
      kill: (instance) => instances[instance].kill(),
      serve: (instance) => void handlers.splice(0, Infinity, ...each.slice(instance, instance + 1)),
      openBrowser: (user) => stage.host.openBrowser(user),
      switchUser: async (browser, user) => {
        await browser.open(`${stage.host.origin}/login?user=${user}`);
      },
      clientOf: async (user, instance) => {
        const manager = managers[instance];
        if (manager === undefined) throw new RangeError('there is no such instance');
        return manager.getClient(user);
      },
    });
  },
};

function openInstances({ storage }: Stage): readonly [InstanceStorage, InstanceStorage] {
  return [openInstanceStorage(storage), openInstanceStorage(storage)];
}

/** The same client in two programs on one person's machine. */
export const clientAtTerminal: SetUp = {
  name: 'client at a terminal',
  async open() {
    const stage = await openStage();
    const instances = openInstances(stage);
    const coordinators: AuthCoordinator[] = instances.map(
      ({ storage }) =>
        new LocalAuthCoordinator({
          storage,
          clock: stage.time.clock,
          logger: stage.logger,
          autoOpenBrowser: false,
          blockUntilCallback: false,
          onLink: () => {},
        }),
    );
    const clients = new Map<string, Client>();
    onTestFinished(async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
      await Promise.all(coordinators.map((coordinator) => coordinator.close()));
    });
    const clientOf = async (user: string, instance: 0 | 1): Promise<Client> => {
      const key = `${instance} ${user}`;
      const coordinator = coordinators[instance];
      if (coordinator === undefined) throw new RangeError('there is no such instance');
      const client =
        clients.get(key) ??
        new Client(
          { calendar: { url: stage.calendar.url } },
          { coordinator, contextId: user, clock: stage.time.clock, logger: stage.logger },
        );
      clients.set(key, client);
      return client;
    };
    const created = createStage(stage, {
      openBrowser: async () => createCookieBrowser({ now: stage.time.clock }),
      switchUser: async () => {},
      kill: (instance) => instances[instance].kill(),
      // Whoever has bound the port answers.
      serve: () => {},
      clientOf,
    });
    // Somebody else's link, so that the listener outlives the sign-ins of a test.
    await created.outcome('somebody-else');
    return created;
  },
};

/** Both, where no browser can come back by itself: the person pastes where it was sent to. */
export const pastedBack: readonly SetUp[] = [
  { name: 'client deployed, pasted', open: async () => pasted(await clientDeployed.open()) },
  { name: 'client at a terminal, pasted', open: async () => pasted(await clientAtTerminal.open()) },
];

function pasted(stage: HeartStage): HeartStage {
  return {
    ...stage,
    prepare: async (browser, link, user) => pastedAt(browser, link, await stage.prepare(browser, link, user)),
    async decline(browser, link) {
      return paste(browser, link, refusalOf(await walkToCallback(browser, link)).href);
    },
  };
}

interface Parts extends Pick<HeartStage, 'kill' | 'serve'> {
  readonly openBrowser: (user: string) => Promise<CookieBrowser>;
  readonly switchUser: (browser: CookieBrowser, user: string) => Promise<void>;
  readonly clientOf: (user: string, instance: 0 | 1) => Promise<Client>;
}

function createStage(stage: Stage, { clientOf, ...parts }: Parts): HeartStage {
  const { as, time } = stage;
  const issuer = issuerOf(as);
  return {
    ...parts,
    issuer,
    advance: (ms) => time.advance(ms),
    async outcome(user, instance = 0) {
      const client = await clientOf(user, instance);
      try {
        return `holds ${textOf(await client.callTool('whoami'))}`;
      } catch (error) {
        const required = findAuthorizationRequired(error);
        if (required !== undefined) return `asks ${required.challenge.url}`;
        return findPosternError(error)?.code ?? String(error);
      }
    },
    async prepare(browser, link, user) {
      as.approveAs(user);
      return prepareCallback(browser, link);
    },
    async decline(browser, link) {
      return browser.open(refusalOf(await walkToCallback(browser, link)).href);
    },
    async fail(browser, link, user) {
      as.approveAs(user);
      const answer = await prepareCallback(browser, link);
      // The code is as good as stolen: somebody else has used it.
      for (const code of as.tokens.codes.values()) code.used = true;
      return answer.send();
    },
    expire() {
      time.advance(3_601_000);
      as.tokens.expireAccessTokens();
    },
    async end(user, instance = 0) {
      await (await clientOf(user, instance)).logout();
    },
    async withdraw(user) {
      await (await clientOf(user, 0)).logout();
    },
  };
}

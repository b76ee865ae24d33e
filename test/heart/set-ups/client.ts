import { onTestFinished } from 'vitest';
import {
  Client,
  ClientManager,
  findAuthorizationRequired,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  type AuthCoordinator,
} from '../../../src/client/index.ts';
import { findPosternError, type StorageBackend } from '../../../src/index.ts';
import { FaultyStorage } from '../../support/faulty-storage.ts';
import { userOf } from '../../support/page-host.ts';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { walkToCallback } from '../walk.ts';
import { prepareCallback, refusalOf } from './callback-answer.ts';
import { issuerOf } from './programmable-issuer.ts';
import type { HeartStage, SetUp } from './set-up.ts';

/** An agent for many users, behind a web application: two processes at one address. */
export const clientDeployed: SetUp = {
  name: 'client deployed',
  async open() {
    const stage = await openStage();
    stage.host.handlers.splice(0);
    const managers = [0, 1].map(() => {
      const { clock } = stage.time;
      const coordinator = new RemoteAuthCoordinator({
        storage: apart(stage),
        publicUrl: stage.host.publicUrl,
        verifyUser: userOf,
        clock,
      });
      stage.host.handlers.push(coordinator.fetch);
      const manager = new ClientManager({ calendar: { url: stage.calendar.url } }, { coordinator, clock });
      onTestFinished(() => manager.close());
      return manager;
    });
    return createStage(stage, {
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

/** The store as another process sees it: instances share what is stored, and nothing in memory. */
function apart({ storage }: Stage): StorageBackend {
  return new FaultyStorage(storage);
}

/** The same client in two programs on one person's machine. */
export const clientAtTerminal: SetUp = {
  name: 'client at a terminal',
  async open() {
    const stage = await openStage();
    const coordinators: AuthCoordinator[] = [0, 1].map(
      () =>
        new LocalAuthCoordinator({
          storage: apart(stage),
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
      clientOf,
    });
    // Somebody else's link, so that the listener outlives the sign-ins of a test.
    await created.outcome('somebody-else');
    return created;
  },
};

interface Parts {
  readonly openBrowser: (user: string) => Promise<CookieBrowser>;
  readonly switchUser: (browser: CookieBrowser, user: string) => Promise<void>;
  readonly clientOf: (user: string, instance: 0 | 1) => Promise<Client>;
}

function createStage(stage: Stage, { openBrowser, switchUser, clientOf }: Parts): HeartStage {
  const { as, time } = stage;
  const issuer = issuerOf(as);
  return {
    issuer,
    openBrowser,
    switchUser,
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

import { onTestFinished } from 'vitest';
import { findPosternError, MemoryBackend } from '../../../src/index.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../../src/oauth/index.ts';
import {
  Oob,
  findInteractionRequired,
  oauthRedirect,
  secretForm,
  type FormValues,
  type NamedFlow,
  type OAuthCredential,
  type OobOptions,
  type Principal,
} from '../../../src/oob/index.ts';
import { openPageHost, userOf, type PageHost } from '../../support/page-host.ts';
import { createSteppedClock, type SteppedClock } from '../../support/stepped-clock.ts';
import { planFor } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../../support/programmable-authorization-server.ts';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { prepareCallback } from './callback-answer.ts';
import { prepareForm } from './form-answer.ts';
import { openInstanceStorage, type InstanceStorage } from './instance.ts';
import { issuerOf } from './programmable-issuer.ts';
import { createSecretService } from './secret-service.ts';
import type { HeartStage, Issuer, SetUp } from './set-up.ts';

/** An MCP server behind a web application, which needs consent at a third party. */
export const serverDeployed: SetUp = {
  name: 'server deployed',
  async open() {
    return openRedirectServer(deployedAt(await openHost()));
  },
};

/** The same server, which needs a password. */
export const serverDeployedForm: SetUp = {
  name: 'server deployed, form',
  async open() {
    const host = await openHost();
    return openFormServer(host, deployedAt(host));
  },
};

/** Where a server and its links live, and how it is used there. */
export interface Whereabouts {
  readonly options: Pick<OobOptions, 'namespaces' | 'publicUrl' | 'verifyUser' | 'gate'>;
  /** Has the pages of these instances answered, in turn. */
  readonly serve: (oobs: readonly Oob[]) => void;
  readonly openBrowser: (user: string, time: SteppedClock) => Promise<CookieBrowser>;
  readonly switchUser: (browser: CookieBrowser, user: string) => Promise<void>;
  readonly principalOf: (oob: Oob, user: string) => Promise<Principal>;
  /** What a credential is for, when it is a user's. */
  readonly resourceOf: (user: string) => string;
  /** How one instance is asked for what a user has by now. */
  readonly connect: (instance: Instance) => Promise<(user: string) => Promise<string>>;
}

/** One instance of a server, with what it needs of its person. */
export interface Instance {
  readonly oob: Oob;
  readonly flow: NamedFlow;
  /** Whom a credential is of. */
  readonly holder: (credential: unknown) => string;
}

function deployedAt(host: PageHost): Whereabouts {
  const resource = 'calendar.example';
  const principalOf = (oob: Oob, user: string): Promise<Principal> => oob.principal({ token: user });
  return {
    options: { namespaces, publicUrl: host.publicUrl, verifyUser: userOf },
    serve: (oobs) => void host.handlers.splice(0, Infinity, ...oobs.map(({ fetch }) => fetch)),
    openBrowser: (user) => host.openBrowser(user),
    switchUser: async (browser, user) => {
      await browser.open(`${host.origin}/login?user=${user}`);
    },
    principalOf,
    resourceOf: () => resource,
    connect:
      async ({ oob, flow, holder }) =>
      async (user) => {
        try {
          const principal = await principalOf(oob, user);
          return `holds ${holder(await oob.credentials.acquire(principal, { resource, flow }))}`;
        } catch (error) {
          const required = findInteractionRequired(error);
          if (required !== undefined) return `asks ${required.interaction.url}`;
          return findPosternError(error)?.code ?? String(error);
        }
      },
  };
}

async function openHost(): Promise<PageHost> {
  const host = await openPageHost();
  onTestFinished(() => host.close());
  return host;
}

interface Instances extends Pick<HeartStage, 'kill' | 'serve'> {
  readonly time: SteppedClock;
  readonly oobs: readonly [Oob, Oob];
}

/** Two instances on one store. */
function openInstances(where: Whereabouts): Instances {
  const time = createSteppedClock();
  const shared = new MemoryBackend({ clock: time.clock });
  const stores = [openInstanceStorage(shared), openInstanceStorage(shared)] as const;
  const create = ({ storage }: InstanceStorage): Oob => {
    const oob = new Oob({ storage, clock: time.clock, ...where.options });
    onTestFinished(() => oob.close());
    return oob;
  };
  const oobs = [create(stores[0]), create(stores[1])] as const;
  where.serve(oobs);
  return {
    time,
    oobs,
    kill: (instance) => stores[instance].kill(),
    serve: (instance) => where.serve([oobs[instance]]),
  };
}

export async function openRedirectServer(where: Whereabouts): Promise<HeartStage> {
  const as: ProgrammableAuthorizationServer = await startProgrammableAuthorizationServer();
  onTestFinished(() => as.close());
  const { time, oobs, kill, serve } = openInstances(where);
  const http = createOAuthHttp({ [allowPrivateNetwork]: true, clock: time.clock, timeoutMs: 10_000 });
  const flow = oauthRedirect({
    http,
    authorize: ({ scopes, redirectUri }) => ({ ...planFor(as, redirectUri), scopes }),
  });
  const holder = (credential: unknown): string =>
    as.tokens.familyOf((credential as OAuthCredential).accessToken)?.subject ?? 'nobody';
  const used = oobs.map((oob) => ({ oob, flow: oob.flow('consent', flow), holder }));
  return {
    ...(await createStage(where, time, used, issuerOf(as))),
    kill,
    serve,
    async prepare(browser, link, user) {
      as.approveAs(user);
      return prepareCallback(browser, link);
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
  };
}

async function openFormServer(host: PageHost, where: Whereabouts): Promise<HeartStage> {
  const service = createSecretService();
  const { time, oobs, kill, serve } = openInstances(where);
  const flow = secretForm(
    {
      type: 'object',
      properties: { user: { type: 'string' }, password: { type: 'string', writeOnly: true } },
      required: ['user', 'password'],
    },
    { test: service.test, maxTries: 3 },
  );
  const holder = (credential: unknown): string => String((credential as FormValues)['user']);
  const used = oobs.map((oob) => ({ oob, flow: oob.flow('login', flow), holder }));
  return {
    ...(await createStage(where, time, used, service.issuer)),
    kill,
    serve,
    prepare: (browser, link, user) =>
      prepareForm(host, browser, link, { user, password: service.goodPassword }),
    async fail(browser, link, user) {
      const send = async () =>
        (await prepareForm(host, browser, link, { user, password: 'a wrong one' })).send();
      for (let tries = 0; tries < 3; tries++) await send();
      return send();
    },
    expire() {
      throw new Error('a secret is not renewed');
    },
  };
}

async function createStage(
  where: Whereabouts,
  time: SteppedClock,
  instances: readonly Instance[],
  issuer: Issuer,
): Promise<Omit<HeartStage, 'prepare' | 'fail' | 'expire' | 'kill' | 'serve'>> {
  const { principalOf, resourceOf, switchUser } = where;
  const connected = await Promise.all(
    instances.map(async (instance) => ({ ...instance, ask: await where.connect(instance) })),
  );
  const at = (index: 0 | 1): (typeof connected)[number] => {
    const instance = connected[index];
    if (instance === undefined) throw new RangeError('there is no such instance');
    return instance;
  };
  return {
    issuer,
    advance: (ms) => time.advance(ms),
    openBrowser: (user) => where.openBrowser(user, time),
    switchUser,
    outcome: (user, instance = 0) => at(instance).ask(user),
    async decline(browser, link) {
      await browser.open(link);
      return browser.submit({}, 'decline');
    },
    async end(user, instance = 0) {
      const { oob } = at(instance);
      await oob.credentials.forget(await principalOf(oob, user), resourceOf(user));
    },
    async withdraw(user) {
      const { oob } = at(0);
      await oob.credentials.withdraw(await principalOf(oob, user), resourceOf(user));
    },
  };
}

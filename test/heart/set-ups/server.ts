import { onTestFinished } from 'vitest';
import { findPosternError, MemoryBackend } from '../../../src/index.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../../src/oauth/index.ts';
import {
  createOob,
  findInteractionRequired,
  oauthRedirect,
  secretForm,
  type NamedFlow,
  type OAuthCredential,
  type Oob,
  type OobOptions,
} from '../../../src/oob/index.ts';
import { FaultyStorage } from '../../support/faulty-storage.ts';
import { openPageHost, userOf, type PageHost } from '../../support/page-host.ts';
import { createSteppedClock, type SteppedClock } from '../../support/stepped-clock.ts';
import { planFor } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../../support/programmable-authorization-server.ts';
import { prepareCallback } from './callback-answer.ts';
import { prepareForm } from './form-answer.ts';
import { issuerOf } from './programmable-issuer.ts';
import { createSecretService } from './secret-service.ts';
import type { HeartStage, Issuer, SetUp } from './set-up.ts';

/** An MCP server behind a web application, which needs consent at a third party. */
export const serverDeployed: SetUp = {
  name: 'server deployed',
  async open() {
    const host = await openHost();
    return openRedirectServer(host, deployedAt(host));
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

/** What a server is told of where its links live. */
export type GateOptions = Pick<OobOptions, 'publicUrl' | 'verifyUser'>;

function deployedAt({ publicUrl }: PageHost): GateOptions {
  return { publicUrl, verifyUser: userOf };
}

async function openHost(): Promise<PageHost> {
  const host = await openPageHost();
  onTestFinished(() => host.close());
  return host;
}

interface Instances {
  readonly time: SteppedClock;
  readonly oobs: readonly [Oob, Oob];
}

/** Two instances on one store, which answer below the host's address in turn. */
function openInstances(host: PageHost, gate: GateOptions): Instances {
  const time = createSteppedClock();
  const shared = new MemoryBackend({ clock: time.clock });
  const create = (): Oob => {
    const oob = createOob({ storage: new FaultyStorage(shared), namespaces, clock: time.clock, ...gate });
    host.handlers.push(oob.fetch);
    onTestFinished(() => oob.close());
    return oob;
  };
  return { time, oobs: [create(), create()] };
}

export async function openRedirectServer(host: PageHost, gate: GateOptions): Promise<HeartStage> {
  const as: ProgrammableAuthorizationServer = await startProgrammableAuthorizationServer();
  onTestFinished(() => as.close());
  const instances = openInstances(host, gate);
  const { time, oobs } = instances;
  const http = createOAuthHttp({ [allowPrivateNetwork]: true, clock: time.clock, timeoutMs: 10_000 });
  const flow = oauthRedirect({
    http,
    authorize: ({ scopes, redirectUri }) => ({ ...planFor(as, redirectUri), scopes }),
  });
  const [named] = oobs.map((oob): NamedFlow<OAuthCredential> => oob.flow('consent', flow));
  const holder = ({ accessToken }: OAuthCredential): string =>
    as.tokens.familyOf(accessToken)?.subject ?? 'nobody';
  return {
    ...createStage(host, instances, named, holder, issuerOf(as)),
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

async function openFormServer(host: PageHost, gate: GateOptions): Promise<HeartStage> {
  const service = createSecretService();
  const instances = openInstances(host, gate);
  const flow = secretForm(
    {
      type: 'object',
      properties: { user: { type: 'string' }, password: { type: 'string', writeOnly: true } },
      required: ['user', 'password'],
    },
    { test: service.test, maxTries: 3 },
  );
  const [named] = instances.oobs.map((oob) => oob.flow('login', flow));
  return {
    ...createStage(host, instances, named, ({ user }) => String(user), service.issuer),
    prepare: (browser, link, user) =>
      prepareForm(host, browser, link, { user, password: service.goodPassword }),
    async fail(browser, link, user) {
      const answer = await prepareForm(host, browser, link, { user, password: 'a wrong one' });
      for (let tries = 0; tries < 3; tries++) await answer.send();
      return answer.send();
    },
    expire() {
      throw new Error('a secret is not renewed');
    },
  };
}

function createStage<C>(
  host: PageHost,
  { time, oobs }: Instances,
  flow: NamedFlow<C> | undefined,
  holder: (credential: C) => string,
  issuer: Issuer,
): Omit<HeartStage, 'prepare' | 'fail' | 'expire'> {
  if (flow === undefined) throw new RangeError('a stage needs a flow');
  const resource = 'calendar.example';
  const principalOf = (user: string) => oobs[0].principal({ token: user });
  return {
    issuer,
    advance: (ms) => time.advance(ms),
    openBrowser: (user) => host.openBrowser(user),
    switchUser: async (browser, user) => {
      await browser.open(`${host.origin}/login?user=${user}`);
    },
    async outcome(user, instance = 0) {
      try {
        const { credentials } = oobs[instance];
        return `holds ${holder(await credentials.acquire(await principalOf(user), { resource, flow }))}`;
      } catch (error) {
        const required = findInteractionRequired(error);
        if (required !== undefined) return `asks ${required.interaction.url}`;
        return findPosternError(error)?.code ?? String(error);
      }
    },
    async decline(browser, link) {
      await browser.open(link);
      return browser.submit({}, 'decline');
    },
    async end(user, instance = 0) {
      await oobs[instance].credentials.forget(await principalOf(user), resource);
    },
    async withdraw(user) {
      await oobs[0].credentials.withdraw(await principalOf(user), resource);
    },
  };
}

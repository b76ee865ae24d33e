import {
  findAuthorizationRequired,
  ClientManager,
  RemoteAuthCoordinator,
} from '../../../src/client/index.ts';
import type { SignInRequest } from '../../../src/agents/index.ts';
import { openLocalStorage } from '../../../src/storage/local.ts';
import { userOf } from '../../../test/support/page-host.ts';
import type { OpenFace } from '../face.ts';
import type { Script } from '../script.ts';
import { itWaits, type Player, type Surroundings } from './player.ts';

/** A framework with our face: what waits, waits for a right that the sign-in did not bring. */
export async function openOurs(
  { directory, publicUrl, calendarUrl }: Surroundings,
  open: OpenFace,
): Promise<Player> {
  const coordinator = new RemoteAuthCoordinator({
    storage: openLocalStorage(directory),
    publicUrl,
    verifyUser: userOf,
    resume: { claimMs: 3_000, sweepMs: 500 },
  });
  const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator });
  const told: SignInRequest[] = [];
  let answered = 0;
  const runs = open(manager, {
    tell: (request) => void told.push(request),
    onAnswer: () => void answered++,
  });
  await manager.start();
  const start = async (user: string, script: Script, thread: string): Promise<string | undefined> => {
    const started = await runs.start(user, script, { thread });
    return 'text' in started ? started.text : undefined;
  };
  return {
    pages: coordinator.fetch,
    answered: () => answered,
    answer: async ({ user, thread, script }) => (await start(user, named(script), thread)) ?? itWaits,
    pause: async ({ user, thread, script }) => {
      const started = await runs.start(user, knownLate(named(script)), { thread });
      if ('text' in started) throw new Error(`it did not pause: ${started.text}`);
      return started.waiting;
    },
    goOn: ({ user }, kept) => runs.wake(user, kept),
    forge: ({ user, script }) => runs.forge(user, knownLate(named(script))),
    linkOf: async (user) => {
      const asked = told.findLast(({ contextId }) => contextId === user);
      if (asked !== undefined) return asked.challenge.url;
      const refused = await (
        await manager.getClient(user)
      )
        .callTool('whoami')
        .catch((error: unknown) => error);
      const required = findAuthorizationRequired(refused);
      if (required === undefined) throw new Error(`${user} is asked for nothing`);
      return required.challenge.url;
    },
  };
}

function named(script: Script): Script {
  return script.map((steps) => steps.map((step) => ({ ...step, call: `calendar__${step.call}` })));
}

/** A right that is missing is known of once a call was refused; the model is told to make it again. */
function knownLate(script: Script): Script {
  return [...script, ...script];
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCookieBrowser } from '../../demo/browser.ts';
import { openChatDoor } from './chat-door.ts';
import { HostProcess, type HostOptions } from './host-process.ts';
import type { World } from './world.ts';

/** Several host processes on one store, behind one door. */
export interface Crew {
  readonly hosts: readonly HostProcess[];
  /** Has a host ask, and a person sign in if that is wanted. Returns the link they opened, if they did. */
  signIn(host: HostProcess, user: string): Promise<string | undefined>;
  end(): Promise<void>;
}

/** What one process of a crew is told beside what all are. */
export type CrewMember = Pick<HostOptions, 'name' | 'killAt' | 'refreshDelayMs'>;

/** Starts the processes; resolves when all of them accept requests. */
export async function startCrew(
  world: World,
  leaseMs: number,
  members: readonly CrewMember[],
): Promise<Crew> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-crew-'));
  const hosts: HostProcess[] = [];
  const door = await openChatDoor(async () => hosts.find((host) => host.isAlive)?.port);
  const common = { directory, publicUrl: door.origin, calendarUrl: world.calendar.url, leaseMs };
  hosts.push(...members.map((member) => new HostProcess({ ...common, ...member })));
  const end = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => host.end()));
    await door.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(hosts.map((host) => host.started()));
  } catch (error) {
    await end();
    throw error;
  }
  return {
    end,
    hosts,
    async signIn(host, user) {
      const question = `${user} at ${performance.now()}`;
      host.send({ ask: { user, question } });
      const reply = await host.said('parked or answered', (message) => {
        if ('answered' in message && message.answered.question === question) return { link: undefined };
        return 'parked' in message && message.parked.question === question
          ? { link: message.parked.link }
          : undefined;
      });
      const link = reply?.link;
      if (link === undefined) return undefined;
      const browser = createCookieBrowser();
      await browser.open(`${door.origin}/enter/${user}`);
      let page = await browser.signIn(link, { user });
      // A deadline here is shorter than a busy machine may take. The link is still good then, and the page says so.
      for (let tries = 0; page.status === 504 && tries < 5; tries++)
        page = await browser.signIn(link, { user });
      if (page.status !== 200) throw new Error(`the browser ended on a page with status ${page.status}`);
      return link;
    },
  };
}

/** Makes a host call a tool many times at once, and returns what came of it. */
export async function burst(
  host: HostProcess,
  user: string,
  calls: number,
): Promise<{ succeeded: number; codes: string[] } | undefined> {
  const seen = host.messages.length;
  host.send({ burst: { user, calls } });
  return host.said(`the end of ${calls} calls`, (message) =>
    'burst' in message && host.messages.indexOf(message) >= seen ? message.burst : undefined,
  );
}

import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type AgentServer, type CallOutcome, type ToolCall } from '../agent/agent.ts';
import { Child, findFreePort, type Program } from '../child.ts';
import type { Findings } from '../columns.ts';
import { describePages, finish, type SeenPage } from '../person.ts';
import { expect, Story } from './story.ts';

/** An authorization server with an MCP server behind it, as a script that takes a port and a directory. */
export interface AuthorizationPeer {
  readonly script: string;
  readonly args?: readonly string[];
  /** What the tool `whoami` answers for the person. Default: `alice`. */
  readonly whoami?: RegExp;
  readonly env?: Readonly<Record<string, string>>;
}

interface Ready extends AgentServer {
  readonly lifetimeSeconds: number;
  /** Whether it issues refresh tokens. Default true. */
  readonly refreshes?: boolean;
  /** Whether it keeps what it knows when it is killed. Default true. */
  readonly keeps?: boolean;
  /** Whether it can end a grant early. Default true. */
  readonly revokes?: boolean;
  /** Whether it registers clients by itself. Default true. */
  readonly registers?: boolean;
}

const storm = 20;
const retryMs = 10_000;

/** Takes an agent through the life of a sign-in at one authorization server. */
export async function tellAuthorizationStory(peer: AuthorizationPeer): Promise<Findings> {
  const root = await mkdtemp(join(tmpdir(), 'postern-interop-'));
  const state = join(root, 'peer');
  const port = await findFreePort();
  const program: Program = {
    ...peer,
    args: [String(port), state, ...(peer.args ?? [])],
    // What a peer leaves behind goes with the rest.
    cwd: root,
    env: { ...peer.env, TMPDIR: root },
  };
  // Arguments may be left out, but one framework refuses a call without them.
  const call = { tool: 'whoami', args: {} };
  const whoami = peer.whoami ?? /alice/u;
  const story = new Story();
  const walks: SeenPage[][] = [];
  let aheadMs = 0;
  let server: Child | undefined;
  let agent: Agent | undefined;
  try {
    await mkdir(state);
    server = await Child.start(program);
    const {
      lifetimeSeconds,
      refreshes: hasRefresh = true,
      keeps = true,
      revokes = true,
      registers = true,
      ...config
    } = server.ready as Ready;
    agent = await Agent.start({ directory: join(root, 'agent'), server: config });
    const ours = agent;

    const walk = async (link: string): Promise<SeenPage[]> => {
      const pages = await finish(link, ours.isOurs);
      walks.push(pages);
      return pages;
    };
    const signIn = async (link: string | undefined): Promise<void> => {
      expect(link !== undefined, 'nobody was given a link');
      const pages = await walk(link);
      const last = pages.at(-1);
      expect(last?.of === 'ours' && last.status === 200, `the link led to: ${describePages(pages)}`);
    };
    const answered = async (tries = 1): Promise<string> => {
      for (let made = 1; ; made++) {
        const outcome = await ours.call(call);
        if (outcome.answered && whoami.test(outcome.text)) return outcome.text;
        expect(made < tries && outcome.link === undefined, `call ${made} ended with ${outcome.text}`);
      }
    };
    /** Everybody was given one and the same link, and it leads back in. */
    const askedAgain = async (...outcomes: CallOutcome[]): Promise<string> => {
      const lost = outcomes.find((outcome) => outcome.link === undefined);
      expect(lost === undefined, `nobody was asked: ${lost?.text}`);
      const links = new Set(outcomes.map(({ link }) => link));
      expect(links.size === 1, `${links.size} links for ${outcomes.length} calls`);
      await signIn(outcomes[0]?.link);
      await answered();
      return `${outcomes.length > 1 ? `${outcomes.length} calls given 1 link` : 'asked again'}, and back`;
    };
    const restartServer = async (): Promise<void> => {
      await server?.kill();
      server = await Child.start(program, aheadMs);
    };

    await story.check(
      'login',
      async () => {
        const { link, status, error } = await ours.connect();
        expect(link !== undefined, `there is no link: ${status} ${error ?? ''}`);
        await signIn(link);
        return describePages(walks.at(-1) ?? []);
      },
      { needed: true },
    );
    await story.check('call', answered);

    await story.check('expiry', async () => {
      const before = await ours.refreshes();
      aheadMs += (lifetimeSeconds + 5) * 1_000;
      await server?.setAhead(aheadMs);
      await ours.setAhead(aheadMs);
      if (!hasRefresh) return askedAgain(await ours.call(call));
      await answered();
      const refreshes = (await ours.refreshes()) - before;
      expect(refreshes === 1, `${refreshes} refreshes for one token that ended`);
      return '1 refresh';
    });

    await story.check('twenty calls', async () => {
      const before = await ours.refreshes();
      // The agent does not know that the time is up: all calls are refused first.
      aheadMs += (lifetimeSeconds + 5) * 1_000;
      await server?.setAhead(aheadMs);
      const outcomes = await ours.calls(storm, call);
      const refreshes = (await ours.refreshes()) - before;
      // Only afterwards: a link that was given must not have expired.
      const back = hasRefresh ? undefined : await askedAgain(...outcomes);
      await ours.setAhead(aheadMs);
      if (back !== undefined) return back;
      const failed = outcomes.filter((outcome) => !outcome.answered);
      expect(failed.length === 0, `${failed.length} of ${storm} failed: ${failed[0]?.text}`);
      expect(refreshes === 1, `${refreshes} refreshes for one token that ended`);
      return `${storm} answered, 1 refresh`;
    });

    if (revokes) {
      await story.check('revocation', async () => {
        await server?.ask('revoke');
        const early = await ours.call(call);
        if (!early.answered) return askedAgain(early);
        // A token that nobody can end is good until it ends by itself.
        aheadMs += (lifetimeSeconds + 5) * 1_000;
        await server?.setAhead(aheadMs);
        await ours.setAhead(aheadMs);
        return `${await askedAgain(await ours.call(call))}, when the access token had ended`;
      });
    }

    await story.check('our restart', async () => {
      await ours.restart();
      await answered();
      return 'nobody was asked';
    });

    if (keeps) {
      await story.check('their restart', async () => {
        await restartServer();
        // The first call may be what finds out that the connection is lost.
        await answered(2);
        return 'nobody was asked';
      });
    }

    if (registers) {
      await story.check('registrations lost', async () => {
        await server?.kill();
        await rm(state, { recursive: true, force: true });
        await mkdir(state);
        await restartServer();
        return backByAnyLink(
          ours,
          call,
          async (way) => {
            // Whoever tries again does so after a while.
            aheadMs += retryMs;
            await server?.setAhead(aheadMs);
            await ours.setAhead(aheadMs);
            return way === 'link after force' ? ours.connect(true) : undefined;
          },
          walk,
        );
      });
    }

    await story.check('pages', async () => {
      const shown = walks.flat().filter(({ of }) => of === 'ours');
      expect(shown.length > 0, 'no page of ours was shown');
      const untitled = shown.find(({ title }) => title === '');
      expect(untitled === undefined, 'a page of ours has no title');
      return [
        ...new Set(
          walks.map((pages) => `${pages.at(-1)?.of} ${pages.at(-1)?.status} “${pages.at(-1)?.title}”`),
        ),
      ].join(', ');
    });
  } catch (error) {
    await story.check('login', () => Promise.reject(error), { needed: true });
  } finally {
    await agent?.kill();
    await server?.kill();
    await rm(root, { recursive: true, force: true });
  }
  return story.findings;
}

/** How a person gets back in after the server has forgotten the client. @throws {Error} when they cannot. */
async function backByAnyLink(
  agent: Agent,
  call: ToolCall,
  tryAgain: (way: string) => Promise<{ link?: string } | undefined>,
  walk: (link: string) => Promise<SeenPage[]>,
): Promise<string> {
  const tried: string[] = [];
  for (const way of ['first link', 'second link', 'link after force']) {
    const connected = await tryAgain(way);
    const outcome = await agent.call(call);
    if (outcome.answered) return `back without a person (${way})`;
    const link = outcome.link ?? connected?.link;
    if (link === undefined) {
      tried.push(`${way}: none, ${outcome.text}`);
      continue;
    }
    const pages = await walk(link);
    const last = pages.at(-1);
    if (last?.of === 'ours' && last.status === 200) {
      const after = await agent.call(call);
      expect(after.answered, `the call ended with ${after.text}`);
      return `back by the ${way}`;
    }
    tried.push(`${way}: ${describePages(pages)}`);
  }
  throw new Error(`nobody can get back in: ${tried.join('; ')}`);
}

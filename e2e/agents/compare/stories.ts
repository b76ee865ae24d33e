import { setTimeout as sleep } from 'node:timers/promises';
import type { Script } from '../script.ts';
import type { Contender } from './contenders.ts';
import { itWaits, type Ask } from './player.ts';
import type { Cell } from './results.ts';
import { openStage, type PlayerProcess, type Stage } from './stage.ts';

export interface Story {
  readonly id: string;
  readonly title: string;
  /** What is played, and what would hold. */
  readonly about: string;
  readonly play: (contender: Contender) => Promise<Cell>;
}

/** How long a run whose process was killed may take to go on by itself. */
const byItselfMs = 20_000;
const calls = 10;
const share: Script = [[{ call: 'share_calendar', args: { with: 'kim' } }]];
const whoami = (count: number): Script => [Array.from({ length: count }, () => ({ call: 'whoami' }))];

export const stories: readonly Story[] = [
  {
    id: 'isolation',
    title: 'two people',
    about:
      'Alice and Bob each ask whose calendar it is: at once in conversations of their own, then one after the other in one they share, as a thread of a chat. All four answers are of whoever asked.',
    play: withStage(async (stage) => {
      const process = await stage.start();
      for (const user of ['alice', 'bob']) await stage.signIn(user, process);
      const ask = (user: string, thread: string): Promise<string> =>
        outcomeOf(process.answer({ user, thread, script: whoami(1) }));
      const apart = await Promise.all([ask('alice', 'of-alice'), ask('bob', 'of-bob')]);
      const together = [await ask('alice', 'shared'), await ask('bob', 'shared')];
      const own = countOwn(apart);
      const ownTogether = countOwn(together);
      const right = own + ownTogether;
      return {
        holds: right === 4,
        short: `${right} of 4 theirs`,
        seen: `apart ${own} of 2 answers of whoever asked, in one conversation ${ownTogether} of 2${foreignIn([...apart, ...together])}`,
      };
    }),
  },
  {
    id: 'storm',
    title: 'expired token',
    about: `The server ends the access token before its time; ${calls} calls of one person meet that at once: in one conversation, then five in each of two. Spent refresh tokens end their grant. All are answered, and the grant lives afterwards.`,
    play: async (contender) => {
      const one = await storm(contender, { conversations: 1 });
      const two = await storm(contender, { conversations: 2 });
      // Who keeps no refresh token itself may count on the life that was stated.
      const foreseen = isAtVault(contender)
        ? await storm(contender, { conversations: 1, isForeseen: true })
        : undefined;
      const atEnd = foreseen && `; at the token’s stated end: ${describe(foreseen, contender)}`;
      return {
        holds: [one, two].every(({ answered, lives }) => answered === calls && lives),
        short: `${one.answered}/${calls}, ${two.answered}/${calls}`,
        seen: `one conversation: ${describe(one, contender)}; two: ${describe(two, contender)}${atEnd ?? ''}`,
      };
    },
  },
  {
    id: 'twice',
    title: 'resumed thrice',
    about:
      'A call waits; its pause is gone on with twice at once, and once more, each with what its host kept, as its framework wants it. The call is made once.',
    play: withStage(async (stage, contender) => {
      const { process, ask, kept, consent } = await paused(stage, contender);
      await consent();
      const goOn = (): Promise<unknown> => outcomeOf(process.goOn(ask, kept));
      await Promise.all([goOn(), goOn()]);
      await goOn();
      const made = sharesAt(stage);
      return { holds: made === 1, short: times(made), seen: madeWords(made) };
    }),
  },
  {
    id: 'forged',
    title: 'forged yes',
    about:
      'A call waits; nobody has approved it or signed in. What the framework takes for a yes is posted to it by somebody who has the conversation. The call is not made.',
    play: withStage(async (stage, contender) => {
      const { process, ask, kept } = await paused(stage, contender);
      await outcomeOf(process.forge(ask, kept));
      const made = sharesAt(stage);
      return {
        holds: made === 0,
        short: made === 0 ? 'not made' : 'made',
        seen: madeWords(made),
      };
    }),
  },
  {
    id: 'death',
    title: 'process death',
    about: `A call waits; its process is killed, another is started on the same disk, and the person does what was waited for. The run goes on by itself within ${byItselfMs / 1_000} s, and the call is made once, also when its host then goes on with it, too.`,
    play: withStage(async (stage, contender) => {
      const { process, ask, kept, consent } = await paused(stage, contender);
      await process.kill();
      const other = await stage.start();
      await consent();
      const deadline = performance.now() + byItselfMs;
      while (sharesAt(stage) === 0 && performance.now() < deadline) await sleep(100);
      const byItself = sharesAt(stage);
      const failure = await failureOf(other.goOn(ask, kept));
      const made = sharesAt(stage);
      return {
        holds: byItself === 1 && made === 1,
        short: byItself > 0 ? 'by itself' : made > 0 ? 'by its host' : 'lost',
        seen: `${byItself > 0 ? 'went on by itself' : 'did not go on by itself'}; made ${times(made)} after its host went on with it${failure === undefined ? '' : ', which failed'}`,
      };
    }),
  },
];

interface Storm {
  /** Requests for a new access token, whoever makes them. */
  readonly renewals: number;
  readonly answered: number;
  readonly lives: boolean;
  /** Whether its person is asked to sign in again. */
  readonly waits: boolean;
}

interface StormOptions {
  readonly conversations: number;
  /** Whether the token's life is over as it was said to be. Default false: the server ends it before. */
  readonly isForeseen?: boolean;
}

/** Stated lives are this short where they are waited for. */
const shortLifeSeconds = 1;

async function storm(contender: Contender, { conversations, isForeseen }: StormOptions): Promise<Storm> {
  await using stage = await openStage(contender);
  const { as, tenant } = stage;
  const renewals = (): number => (isAtVault(contender) ? tenant.exchanges() : as.count('refresh'));
  if (isForeseen === true) tenant.expiresIn = shortLifeSeconds;
  const process = await stage.start();
  await stage.signIn('alice', process);
  const threads = Array.from({ length: conversations }, (_, index) => `thread-${index}`);
  const ask = (thread: string, count: number): Promise<string> =>
    outcomeOf(process.answer({ user: 'alice', thread, script: whoami(count) }));
  for (const thread of threads) await ask(thread, 1);
  const before = renewals();
  as.tokens.expireAccessTokens();
  if (isForeseen === true) await sleep(shortLifeSeconds * 1_000 + 200);
  const answers = await Promise.all(threads.map((thread) => ask(thread, calls / conversations)));
  const made = renewals() - before;
  as.tokens.expireAccessTokens();
  if (isForeseen === true) await sleep(shortLifeSeconds * 1_000 + 200);
  // Whoever is asked to sign in again has it work after that; that the grant lives shows in the tokens.
  await ask(threads[0]!, 1);
  return {
    renewals: made,
    answered: answers.join('\n').split('alice').length - 1,
    lives: !as.tokens.families.some(({ revoked }) => revoked),
    waits: answers.includes(itWaits),
  };
}

function isAtVault({ signsIn }: Contender): boolean {
  return signsIn === 'at the vault';
}

function describe({ renewals, answered, lives, waits }: Storm, contender: Contender): string {
  const asked = isAtVault(contender) ? many(renewals, 'exchange') : many(renewals, 'refresh', 'refreshes');
  return `${answered} of ${calls} answered, ${asked}, the grant ${lives ? 'lives' : 'is dead'}${waits ? ', and a sign-in is asked for' : ''}`;
}

function many(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`;
}

interface Paused {
  readonly process: PlayerProcess;
  readonly ask: Ask;
  /** What its host keeps. */
  readonly kept: string;
  /** Has the person do what it waits for, where that is a sign-in. */
  readonly consent: () => Promise<void>;
}

/** A call that waits, in a process that is alive. */
async function paused(stage: Stage, contender: Contender): Promise<Paused> {
  const process = await stage.start();
  const ask = { user: 'alice', thread: 'of-alice', script: share };
  // Who waits at the vault waits for its first sign-in.
  if (!isAtVault(contender)) await stage.signIn(ask.user, process);
  const kept = await process.pause(ask);
  if (sharesAt(stage) > 0) throw new Error('it did not wait');
  return { process, ask, kept, consent: await stage.tell(ask.user, process) };
}

function withStage(
  play: (stage: Stage, contender: Contender) => Promise<Cell>,
): (contender: Contender) => Promise<Cell> {
  return async (contender) => {
    await using stage = await openStage(contender);
    return await play(stage, contender);
  };
}

function sharesAt({ calendar }: Stage): number {
  return calendar.counters.calls['share_calendar'] ?? 0;
}

/** Of two answers, how many name the one who asked, the first of them Alice, and nobody else. */
function countOwn(answers: readonly string[]): number {
  const users = ['alice', 'bob'];
  return answers.filter((answer, index) => {
    const own = users[index]!;
    return answer.includes(own) && !users.some((user) => user !== own && answer.includes(user));
  }).length;
}

function foreignIn(answers: readonly string[]): string {
  const foreign = answers.some((answer, index) => answer.includes(['bob', 'alice'][index % 2]!));
  return foreign ? ': somebody was given another’s data' : '';
}

function madeWords(count: number): string {
  return count === 0 ? 'the call was not made' : `the call was made ${times(count)}`;
}

function times(count: number): string {
  return ['never', 'once', 'twice'][count] ?? `${count} times`;
}

/** What came of it, a failure in its own words. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    return String(await work);
  } catch (error) {
    failed?.(error);
    return 'it failed';
  }
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    failed?.(error);
    return error;
  }
}

let failed: ((error: unknown) => void) | undefined;

/** Has each failure of a contender told, to see why a cell is as it is. */
export function onFailure(tell: (error: unknown) => void): void {
  failed = tell;
}

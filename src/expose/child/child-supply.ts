import { sleep } from '../../core/clock.ts';
import { isPosternError, PosternError } from '../../core/postern-error.ts';
import type { Logger } from '../../core/logger.ts';
import { rpcCodes, type RequestMessage } from '../../wire/message.ts';
import { childFailed } from './child-failed.ts';
import { Crashes, defaultRestartPolicy, type RestartPolicy } from './restart-policy.ts';
import { ServerLink, type LooseMessage } from './server-link.ts';
import type { Child, ChildHooks, ChildLimits, ChildUser, ChildWant, LaunchedChild } from './child.ts';
import type { ProcessEnd } from './server-process.ts';

interface RunningChild extends Child {
  readonly users: Set<ChildUser>;
  readonly user: string;
  readonly process: LaunchedChild;
  readonly startedAtMs: number;
  usedAtMs: number;
  opened: unknown;
}

export interface ChildSupplyOptions {
  readonly limits: ChildLimits;
  readonly restart?: RestartPolicy | undefined;
  readonly launch: (want: ChildWant, hooks: ChildHooks) => Promise<LaunchedChild>;
  /** Whether a child of a user that was launched with a version would be launched with the same now. */
  readonly isCurrent: (user: string, version: string) => Promise<boolean>;
  readonly logger: Logger;
}

/** What has been counted since the start. */
export interface ChildCounts {
  children: number;
  started: number;
  crashed: number;
  /** Messages of children that came for nobody. */
  dropped: number;
}

/** How often children are looked at. */
const lookMs = 5_000;
/** How long the calls of a child that was replaced may still take. */
const retiringMs = 10 * 60_000;
/** How long a session's child whose client listens, and does nothing else, keeps its place when another needs one: many clients leave without a word. */
const sparedMs = 60_000;
/** Crashes of so many keys are remembered. */
const maxRemembered = 10_000;

/** Starts children when they are first needed, one for each key, and sees to their end. */
export class ChildSupply {
  readonly #options: ChildSupplyOptions;
  readonly #running = new Map<string, RunningChild>();
  readonly #starting = new Map<string, Promise<RunningChild>>();
  readonly #startingUsers = new Map<string, string>();
  readonly #crashes = new Map<string, Crashes>();
  /** The users of children that were replaced, until there are others. */
  readonly #orphans = new Map<string, Set<ChildUser>>();
  readonly #ending = new Set<Promise<void>>();
  readonly counts: ChildCounts = { children: 0, started: 0, crashed: 0, dropped: 0 };
  #looking: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(options: ChildSupplyOptions) {
    this.#options = options;
  }

  /**
   * The child of a key, started if there is none.
   *
   * @throws {PosternError} ERR_POSTERN_EXPOSE_LIMIT when there are too many; ERR_POSTERN_EXPOSE_CHILD_FAILED when it does not
   * start, or has crashed a moment ago.
   */
  async get(want: ChildWant): Promise<Child> {
    for (;;) {
      const starting = this.#starting.get(want.key);
      const running = starting === undefined ? this.#running.get(want.key) : undefined;
      if (running !== undefined && !running.link.ended) {
        running.usedAtMs = performance.now();
        return running;
      }
      const started = await (starting ?? this.#begin(want));
      if (!started.link.ended) return started;
    }
  }

  /** Calls that are waited for. */
  get answersDue(): number {
    return [...this.#running.values()].reduce((sum, { link }) => sum + link.answersDue, 0);
  }

  /** The child of a key, where it runs. */
  find(key: string): Child | undefined {
    const running = this.#running.get(key);
    return running?.link.ended === true ? undefined : running;
  }

  /** Has somebody hear what a child says. */
  join(child: Child, user: ChildUser): void {
    (child as RunningChild).users.add(user);
  }

  leave(key: string, user: ChildUser, options: { readonly stop: boolean }): void {
    const orphans = this.#orphans.get(key);
    if (orphans?.delete(user) === true && orphans.size === 0) this.#orphans.delete(key);
    const running = this.#running.get(key);
    if (running === undefined || !running.users.delete(user)) return;
    if (options.stop && running.users.size === 0) this.#end(key, running, 'its session has ended');
  }

  /**
   * Takes what a user has out of use, as it would be launched with something else now. What is in flight is still answered;
   * what comes next goes to another child.
   *
   * @param version Only what was launched with this.
   */
  renewOf(user: string, version?: string): void {
    for (const [key, crashes] of this.#crashes) if (key.startsWith(`${user} `)) crashes.forget();
    for (const [key, child] of this.#running) {
      const isMeant = version === undefined || child.process.version === version;
      if (child.user === user && isMeant) this.#retire(key, child);
    }
  }

  /** Stops every child, and starts none any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    await Promise.allSettled(this.#starting.values());
    for (const [key, child] of this.#running) this.#end(key, child, 'the server is ending');
    await Promise.allSettled(this.#ending);
  }

  #begin(want: ChildWant): Promise<RunningChild> {
    const starting = this.#start(want).finally(() => {
      this.#starting.delete(want.key);
      this.#startingUsers.delete(want.key);
    });
    this.#starting.set(want.key, starting);
    this.#startingUsers.set(want.key, want.user);
    return starting;
  }

  async #start(want: ChildWant): Promise<RunningChild> {
    const { key, user, open } = want;
    this.#assertRoom(key, user);
    const { limits, launch } = this.#options;
    // Whoever used the one before goes on with this one.
    const users = this.#orphans.get(key) ?? new Set<ChildUser>();
    this.#orphans.delete(key);
    let launched: LaunchedChild | undefined;
    let child: RunningChild | undefined;
    const link: ServerLink = new ServerLink(
      {
        send: (text) => launched?.send(text) ?? Promise.resolve(false),
        get queuedBytes() {
          return launched?.queuedBytes ?? 0;
        },
      },
      {
        maxCalls: limits.maxCalls,
        maxQueuedBytes: limits.maxQueuedBytes,
        onLoose: (message) => (child === undefined ? undefined : this.#spread(message, child)),
        onDropped: () => void this.counts.dropped++,
      },
    );
    launched = await launch(want, {
      onMessage: (message) => link.take(message),
      onRefused: ({ id, reason }) => void (id !== undefined && link.takeUnreadable(id, reason)),
      onEnd: (end) => {
        if (child === undefined) link.end(describeEnd(end));
        else this.#ended(key, child, end);
      },
    });
    const startedAtMs = performance.now();
    child = {
      link,
      users,
      user,
      process: launched,
      startedAtMs,
      usedAtMs: startedAtMs,
      notes: new Map(),
      opened: undefined,
    };
    this.#running.set(key, child);
    this.counts.started++;
    this.counts.children = this.#running.size;
    this.#look();
    if (this.#closed) this.#end(key, child, 'the server is ending');
    try {
      child.opened = await open(link);
    } catch (error) {
      // Whoever does not get ready would be waited for again and again.
      if (!link.ended && isPosternError(error, 'ERR_POSTERN_EXPOSE_CHILD_FAILED'))
        this.#noteCrash(key, startedAtMs);
      this.#end(key, child, 'it did not get ready');
      throw error;
    }
    return child;
  }

  #noteCrash(key: string, startedAtMs: number): Crashes {
    if (this.#crashes.size >= maxRemembered) this.#crashes.clear();
    const crashes = this.#crashes.get(key) ?? new Crashes(this.#options.restart ?? defaultRestartPolicy);
    this.#crashes.set(key, crashes);
    crashes.crashed(performance.now() - startedAtMs);
    return crashes;
  }

  #assertRoom(key: string, user: string): void {
    if (this.#closed) throw ending();
    const crashes = this.#crashes.get(key);
    if (crashes !== undefined && crashes.waitMs > 0) {
      const seconds = Math.ceil(crashes.waitMs / 1000);
      const again = `it is started again in ${seconds} s at the earliest`;
      throw childFailed(
        crashes.givenUp
          ? `the server has stopped ${crashes.inRow} times in a row; ${again}`
          : `the server has stopped a moment ago; ${again}`,
      );
    }
    const { maxChildren, maxChildrenPerUser } = this.#options.limits;
    const others = [...this.#startingUsers].filter(([other]) => other !== key && !this.#running.has(other));
    const own =
      [...this.#running.values()].filter((child) => child.user === user).length +
      others.filter(([, of]) => of === user).length;
    const all = this.#running.size + others.length;
    if (own >= maxChildrenPerUser && !this.#freeOne((child) => child.user === user)) {
      throw limitReached(`this user has ${own} servers already, as many as one may have`);
    }
    if (all >= maxChildren && !this.#freeOne(() => true)) {
      throw limitReached(`${all} servers run already, as many as may`);
    }
  }

  /** Stops the one that has been idle longest. A session goes on with another, so it is only spared for a while. */
  #freeOne(isOne: (child: RunningChild) => boolean): boolean {
    const now = performance.now();
    const isSpared = ({ users, usedAtMs }: RunningChild): boolean =>
      [...users].some(({ keeps, listens }) => listens === true || (keeps && now - usedAtMs < sparedMs));
    const idle = [...this.#running]
      .filter(([, child]) => isOne(child) && child.link.callsInFlight === 0 && !isSpared(child))
      .toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs)[0];
    if (idle === undefined) return false;
    this.#end(...idle, 'another needs its place');
    return true;
  }

  #spread(message: LooseMessage, child: RunningChild): Promise<void> | void {
    if (child.users.size === 0) {
      this.counts.dropped++;
      if (message.kind === 'request') void answerForNobody(child.link, message);
      return undefined;
    }
    const held = [...child.users]
      .map((user) => user.heard(message, child))
      .filter((wait) => wait !== undefined);
    return held.length === 0 ? undefined : Promise.all(held).then(() => undefined);
  }

  #ended(key: string, child: RunningChild, end: ProcessEnd): void {
    const { logger } = this.#options;
    const meant = this.#running.get(key) !== child;
    if (!meant) {
      this.#running.delete(key);
      this.counts.children = this.#running.size;
    }
    child.link.end(`the server has stopped (${describeEnd(end)})`);
    if (meant) return;
    for (const user of child.users) user.lost?.();
    this.counts.crashed++;
    const crashes = this.#noteCrash(key, child.startedAtMs);
    const fields = {
      how: describeEnd(end),
      lastLine: end.lastLine === '' ? undefined : end.lastLine,
      inRow: crashes.inRow,
      notBeforeSeconds: Math.ceil(crashes.waitMs / 1000),
    };
    if (crashes.givenUp) logger.error('the server of a user does not stay up, and is left alone', fields);
    else logger.warn('the server of a user has stopped by itself', fields);
  }

  /** Takes a child out of use, and stops it. */
  #end(key: string, child: RunningChild, reason: string): void {
    if (this.#running.get(key) !== child) return;
    this.#running.delete(key);
    this.counts.children = this.#running.size;
    child.link.end(`the server was stopped: ${reason}`);
    for (const user of child.users) user.lost?.();
    const ended = child.process.stop(reason);
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }

  /** Stops a child when its calls are answered, and at the latest after {@link retiringMs}. */
  #retire(key: string, child: RunningChild): void {
    if (this.#running.get(key) !== child) return;
    this.#running.delete(key);
    this.counts.children = this.#running.size;
    const ended = (async () => {
      const deadline = performance.now() + retiringMs;
      while (child.link.callsInFlight > 0 && !this.#closed && performance.now() < deadline) await sleep(200);
      child.link.end('the server was stopped: its credentials have changed');
      await child.process.stop('its credentials have changed');
    })();
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
    const followers = new Set([...child.users].filter((user) => 'moved' in user));
    if (followers.size > 0) this.#orphans.set(key, followers);
    for (const user of followers) user.moved?.();
    for (const user of child.users) user.lost?.();
  }

  #look(): void {
    if (this.#looking !== undefined) return;
    this.#looking = setInterval(() => void this.sweep(), lookMs);
    this.#looking.unref();
  }

  /** Stops children that nobody uses, that are too old, or whose environment has changed. */
  async sweep(): Promise<void> {
    const { idleMs, maxAgeMs } = this.#options.limits;
    for (const [key, child] of this.#running) {
      const now = performance.now();
      const ageMs = now - child.startedAtMs;
      const isBusy = child.link.callsInFlight > 0 || [...child.users].some(({ listens }) => listens === true);
      if (isBusy) child.usedAtMs = now;
      if (ageMs > maxAgeMs && (!isBusy || ageMs > 2 * maxAgeMs)) this.#end(key, child, 'it is too old');
      else if (!isBusy && now - child.usedAtMs > idleMs)
        this.#end(key, child, 'nobody has used it for a while');
      else if (await this.#isOutdated(child)) this.#retire(key, child);
    }
  }

  async #isOutdated({ user, process: { version } }: RunningChild): Promise<boolean> {
    try {
      return !(await this.#options.isCurrent(user, version));
    } catch {
      // A store that does not answer just now has changed nothing.
      return false;
    }
  }
}

async function answerForNobody(link: ServerLink, { id, method }: RequestMessage): Promise<void> {
  const error = { code: rpcCodes.methodNotFound, message: 'nobody is there to ask' };
  await link.hand(
    JSON.stringify({ jsonrpc: '2.0', id, ...(method === 'ping' ? { result: {} } : { error }) }),
  );
}

function describeEnd({ code, signal, reason }: ProcessEnd): string {
  if (reason !== undefined) return reason;
  return signal === undefined ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
}

function limitReached(message: string): PosternError {
  return new PosternError('ERR_POSTERN_EXPOSE_LIMIT', message, {
    hint: 'Close sessions that are not used any more, or try again later.',
  });
}

function ending(): PosternError {
  return childFailed('the server is ending');
}

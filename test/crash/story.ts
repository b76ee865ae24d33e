import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCookieBrowser, type CookieBrowser } from '../../demo/browser.ts';
import type { Listener } from '../../demo/open-listener.ts';
import { openChatDoor } from './chat-door.ts';
import { HostProcess } from './host-process.ts';
import type { FromHost } from './host-worker.ts';
import { phases, type KillPoint, type Phase } from './kill-points.ts';
import type { Delivery, StoryReport } from './story-report.ts';
import type { World } from './world.ts';

const leaseMs = 1_500;

/**
 * Two host processes on one store, and a person. The first process does all the work until it dies, if it is told to;
 * then the person does what people do, and the second goes on.
 */
export async function tellStory(world: World, user: string, killAt?: KillPoint): Promise<StoryReport> {
  const story = new Story(world, user, killAt);
  try {
    return await story.tell();
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${story.log()}`, { cause });
  } finally {
    await story.end();
  }
}

class Story {
  readonly #world: World;
  readonly #user: string;
  readonly #killAt: KillPoint | undefined;
  readonly #startedAtMs = performance.now();
  readonly #deliveries: Delivery[] = [];
  readonly #abandoned: string[] = [];
  readonly #secrets = new Set<string>();
  readonly #steps = new Map<Phase, string[]>();
  readonly #complaints: string[] = [];
  readonly #journal: string[] = [];
  readonly #browser: CookieBrowser = createCookieBrowser();
  #lastStep: string | undefined;
  #directory = '';
  #door: Listener | undefined;
  #victim!: HostProcess;
  #survivor!: HostProcess;
  #phase: Phase | undefined;
  #questions = 0;

  constructor(world: World, user: string, killAt: KillPoint | undefined) {
    this.#world = world;
    this.#user = user;
    this.#killAt = killAt;
  }

  async tell(): Promise<StoryReport> {
    const { authorizationServer, calendar } = this.#world;
    const before = { ...authorizationServer.counters };
    this.#directory = await mkdtemp(join(tmpdir(), 'postern-crash-'));
    this.#door = await openChatDoor((pathname) => this.#route(pathname));
    const common = {
      directory: this.#directory,
      publicUrl: this.#door.origin,
      calendarUrl: calendar.url,
      leaseMs,
      onMessage: (host: HostProcess, message: FromHost) => this.#onMessage(host, message),
    };
    this.#victim = new HostProcess({ name: 'victim', ...common, killAt: this.#killAt });
    this.#survivor = new HostProcess({ name: 'survivor', ...common });
    await Promise.all([this.#victim.started(), this.#survivor.started()]);
    // The one that is to die while it resumes must be the one that resumes.
    const victimResumes = this.#killAt === undefined || this.#killAt.phase === 'resume';
    if (!victimResumes) this.#survivor.send({ work: true });

    await this.#enter('ask');
    const question = this.#nextQuestion();
    const first = await this.#ask(question);
    if (!('parked' in first)) throw new Error('the first question was answered without a sign-in');
    await this.#browser.open(`${this.#door.origin}/enter/${this.#user}`);
    const firstSignIns = await this.#signIn(first.parked.link, question);
    await this.#enter('resume');
    if (victimResumes) {
      this.#victim.send({ work: true });
      void this.#victim.exited.then(() => this.#survivor.send({ work: true }));
    }
    await this.#until('the first question is answered, as often as it was parked', () =>
      this.#wasAnswered(question),
    );

    authorizationServer.expireAccessTokens(this.#user);
    await this.#enter('refresh');
    const afterRefresh = await this.#askToTheEnd();
    await this.#enter('logout');
    // Nobody must sign in for this one: the grant is alive, whatever has happened to it.
    const alive = await this.#ask(this.#nextQuestion());
    if ('parked' in alive) throw new Error('the grant is dead: another sign-in was asked for');
    await this.#logout();
    await this.#enter(undefined);
    const tokensDead = await this.#tokensAreDead();

    const last = await this.#ask(this.#nextQuestion());
    if (this.#killAt?.phase === 'logout' && 'parked' in last) {
      this.#survivor.send({ work: true });
      await this.#signIn(last.parked.link, last.parked.question);
      await this.#until('the last question is answered', () => this.#wasAnswered(last.parked.question));
    }
    const now = authorizationServer.counters;
    return {
      deliveries: this.#deliveries,
      abandoned: this.#abandoned,
      signIns: { first: firstSignIns, afterRefresh },
      registrations: now.registrations - before.registrations,
      exchanges: now.exchanges - before.exchanges,
      refreshes: now.refreshes - before.refreshes,
      refusedGrants: now.refusedGrants - before.refusedGrants,
      revocations: now.revocations - before.revocations,
      tokensDead,
      askedAfterLogout: 'parked' in last,
      readable: await this.#readable(),
      lastStep: this.#lastStep,
      died: !this.#victim.isAlive,
      steps: this.#steps,
      complaints: this.#complaints,
      tookMs: Math.round(performance.now() - this.#startedAtMs),
    };
  }

  async end(): Promise<void> {
    await Promise.all([this.#victim?.end(), this.#survivor?.end()]);
    await this.#door?.close();
    if (this.#directory !== '') await rm(this.#directory, { recursive: true, force: true });
  }

  log(): string {
    return [...this.#journal, this.#victim?.output, this.#survivor?.output].filter(Boolean).join('\n');
  }

  #note(text: string): void {
    this.#journal.push(
      `${String(Math.round(performance.now() - this.#startedAtMs)).padStart(6)} ms  ${text}`,
    );
  }

  #onMessage(host: HostProcess, message: FromHost): void {
    if ('step' in message) {
      const { phase, label, side } = message.step;
      if (host !== this.#victim) return;
      this.#lastStep = `${phase}: ${side} ${label}`;
      if (side === 'before') this.#steps.set(phase, [...(this.#steps.get(phase) ?? []), label]);
      this.#note(`victim, ${this.#lastStep}`);
      return;
    }
    if ('secrets' in message) {
      for (const secret of message.secrets) this.#secrets.add(secret);
      return;
    }
    this.#note(`${host.name}: ${JSON.stringify(message)}`);
    if ('complained' in message) this.#complaints.push(`${host.name}: ${message.complained.message}`);
    if ('answered' in message)
      this.#deliveries.push({ host: host.name, key: undefined, ...message.answered });
    if ('abandoned' in message) this.#abandoned.push(message.abandoned.code);
  }

  /** The victim serves for as long as it lives. A phase only ever goes forward: a reload does not begin it anew. */
  async #route(pathname: string): Promise<number | undefined> {
    if (pathname.includes('/connect/')) await this.#enter('connect');
    if (pathname.endsWith('/callback')) await this.#enter('callback');
    const host = this.#host();
    this.#note(`a browser asks ${host.name} for ${pathname.replace(/[\w-]{30,}/u, '…')}`);
    return host.port;
  }

  #host(): HostProcess {
    return this.#victim.isAlive ? this.#victim : this.#survivor;
  }

  async #enter(phase: Phase | undefined): Promise<void> {
    const isForward =
      phase === undefined ||
      phases.indexOf(phase) > (this.#phase === undefined ? -1 : phases.indexOf(this.#phase));
    if (!isForward) return;
    this.#phase = phase;
    this.#note(`— ${phase ?? 'after all'} —`);
    if (!this.#victim.isAlive) return;
    const name = phase ?? 'nothing';
    this.#victim.send({ enter: name });
    await this.#victim.said(`entered ${name}`, (message) =>
      'entered' in message && message.entered === name ? true : undefined,
    );
  }

  #nextQuestion(): string {
    return `${this.#user}-${++this.#questions}`;
  }

  /** Asks, and asks again for as long as nothing comes back: the chat was cut off, or the host said "try again". */
  async #ask(question: string): Promise<Extract<FromHost, { parked: unknown } | { answered: unknown }>> {
    for (let tries = 0; tries < 8; tries++) {
      const host = this.#host();
      const seen = host.messages.length;
      host.send({ ask: { user: this.#user, question } });
      const reply = await host.said(`a reply to ${question}`, (message) =>
        host.messages.indexOf(message) >= seen && questionOf(message) === question ? message : undefined,
      );
      if (reply !== undefined && ('parked' in reply || 'answered' in reply)) return reply;
      this.#note(`the person asks ${question} again`);
    }
    throw new Error('asking again and again led nowhere');
  }

  /** Asks, signs in if that is what is wanted, and returns how often it was. */
  async #askToTheEnd(): Promise<number> {
    const question = this.#nextQuestion();
    const reply = await this.#ask(question);
    if ('answered' in reply) return 0;
    this.#survivor.send({ work: true });
    const signIns = await this.#signIn(reply.parked.link, question);
    await this.#until('the question is answered after a new sign-in', () => this.#wasAnswered(question));
    return signIns;
  }

  /** Opens a link and does what its pages say, until one says that it is done. */
  async #signIn(link: string, question: string): Promise<number> {
    let target = link;
    this.#secrets.add(link.slice(link.lastIndexOf('/') + 1));
    for (let walks = 1, loads = 1; loads <= 10; loads++) {
      const page = await this.#browser.signIn(target, { user: this.#user });
      for (const hop of page.hops) {
        for (const name of ['code', 'state']) {
          const value = new URL(hop.url).searchParams.get(name);
          if (value !== null) this.#secrets.add(value);
        }
      }
      const title = /<h1>(?<title>[^<]*)/u.exec(page.html)?.groups?.['title'] ?? '';
      this.#note(`the browser shows ${page.status} ${JSON.stringify(title)}`);
      if (title === 'You are signed in' || title === 'Already done') return walks;
      const again = /<a[^>]* href="(?<href>[^"]*)"[^>]*>Try again/u.exec(page.html)?.groups?.['href'];
      if (page.status === 502) {
        target = page.url;
      } else if (again === undefined) {
        const reply = await this.#ask(question);
        if ('answered' in reply) return walks;
        target = reply.parked.link;
        walks++;
      } else {
        target = again.replaceAll('&amp;', '&');
        walks++;
      }
    }
    throw new Error('the browser never got to the end');
  }

  async #logout(): Promise<void> {
    for (let tries = 0; tries < 5; tries++) {
      const host = this.#host();
      const request = `logout-${tries}`;
      host.send({ logout: { user: this.#user, request } });
      const done = await host.said('logged out', (message) =>
        'loggedOut' in message && message.loggedOut.request === request ? true : undefined,
      );
      if (done === true) return;
      this.#note('the person logs out again');
    }
    throw new Error('logging out again and again led nowhere');
  }

  /** Whether every parking of it that somebody was told of has led to a delivery. */
  #wasAnswered(question: string): boolean {
    const parked = [...this.#victim.messages, ...this.#survivor.messages].filter(
      (message) => 'parked' in message && message.parked.question === question,
    );
    const keys = new Set(
      this.#deliveries.filter((delivery) => delivery.question === question).map(({ key }) => key),
    );
    return keys.size > 0 && parked.every((message) => 'parked' in message && keys.has(message.parked.key));
  }

  async #tokensAreDead(): Promise<boolean> {
    const { authorizationServer, calendar } = this.#world;
    const valid = await Promise.all(
      [...this.#secrets].map((secret) => authorizationServer.verifyAccessToken(secret, calendar.url)),
    );
    return valid.every((token) => token === undefined);
  }

  async #readable(): Promise<string[]> {
    const files = await readdir(this.#directory);
    const stored = await Promise.all(files.map((file) => readFile(join(this.#directory, file), 'latin1')));
    return [...this.#secrets]
      .filter((secret) => stored.some((text) => text.includes(secret)))
      .map((secret) => `${secret.slice(0, 4)}…`);
  }

  async #until(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function questionOf(message: FromHost): string | undefined {
  if ('parked' in message) return message.parked.question;
  if ('answered' in message) return message.answered.question;
  if ('failed' in message) return message.failed.question;
  return undefined;
}

import { checkDurations } from '../../core/check-durations.ts';
import { sleep } from '../../core/clock.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { lookOf, type Appearance, type Look } from '../../web/look.ts';
import type { Gate, Held, Verdict } from '../gates/gate.ts';
import type { LoopbackListener } from './loopback-listener.ts';
import { MachineStore } from './machine-record.ts';
import { answerChallenge, challenge, type PortHolder } from './port-proof.ts';

export interface ThisMachineOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | '::1' | 'localhost' | undefined;
  /** The port. Default 0: the one used last, else any free one. A given port is used, or the gate does not open. */
  readonly port?: number | undefined;
  /** How the pages look and speak; its name is the program's. */
  readonly appearance?: Appearance | undefined;
  /** An https URL where the program's maker serves its client metadata document, with the loopback redirect URI. */
  readonly clientMetadataUrl?: string | undefined;
  /** How long a person has for a link, where its flow does not say. A link is a port that stands open. Default 5 minutes. */
  readonly ttlMs?: number | undefined;
  /**
   * Called when a link of a process that is gone is answered here from now on: that one may not have come to show it.
   * `asked`: somebody asks for it here, just now.
   */
  readonly onTakeOver?: ((pending: Pending, options: { asked: boolean }) => void) | undefined;
}

/** How long a person has who is at the machine already. */
const defaultTtlMs = 5 * 60_000;
/** How long the listener stays after the last link it is needed for, for a page that is still loading. */
const lingerMs = 2_000;
/** How often a process looks whether links that live are still answered. */
const lookMs = 2_000;
/** Who answers a link: this process, another on its store, or somebody else. */
type Holder = 'here' | 'ours' | 'stranger';
interface Silence {
  readonly silence: 'ours' | 'stranger';
}

/** How often a port is tried that whoever had it is just leaving. */
const maxTries = 5;

/**
 * The gate of programs that are not deployed: links lead to a loopback port of this machine, and the machine is the user.
 *
 * One port for each store and machine, so that there is one redirect URI and one registration. Whoever binds it answers
 * every link; the others make it prove, by a key in the store, that it is one of them, and take over when it stops. A
 * program that starts while links live binds the port at once. A link that a stranger would answer is never handed out;
 * where one is found to answer, it is withdrawn. None of it keeps the program running: whoever waits for a person does.
 *
 * @see RFC 8252 §7.3
 */
export class ThisMachine implements Gate {
  readonly answersInPlace = true;
  readonly firstBrowserOwns = true;
  readonly clientMetadataUrl: string | undefined;
  readonly look: Look;
  readonly ttlMs: number | undefined;
  readonly #surroundings: Surroundings;
  readonly #host: string;
  readonly #wantedPort: number;
  readonly #store: MachineStore;
  readonly #onTakeOver: (pending: Pending, options: { asked: boolean }) => void;
  /** Links of before the listener was opened that were said to be answered here by now. */
  readonly #takenOver = new Set<string>();
  #port: number;
  #listener: LoopbackListener | undefined;
  /** When it was opened, by the store's clock. */
  #boundAtMs = 0;
  #opening: Promise<void> | undefined;
  #answer: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  /** Links that somebody here needs. */
  readonly #needed = new Map<string, { readonly pending: Pending; readonly lost: () => void }>();
  #closing: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  readonly #closed = new AbortController();

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a time is none. */
  constructor(options: ThisMachineOptions, surroundings: Surroundings) {
    checkDurations({ ttlMs: options.ttlMs });
    this.#surroundings = surroundings;
    this.#host = options.host ?? '127.0.0.1';
    this.#wantedPort = options.port ?? 0;
    this.#port = this.#wantedPort;
    this.clientMetadataUrl = options.clientMetadataUrl;
    this.look = lookOf(options.appearance);
    this.ttlMs = options.ttlMs;
    this.#store = new MachineStore(surroundings);
    this.#onTakeOver = options.onTakeOver ?? (() => {});
  }

  get baseUrl(): string {
    return this.#originAt(this.#port);
  }

  attach(answer: (request: Request) => Promise<Response>): void {
    this.#answer = answer;
    if (!this.#surroundings.storage.capabilities.durable) return;
    // What lives from before this start is answered again at once, not only when somebody asks for it.
    this.#keepLooking();
  }

  /** @throws {PosternError} ERR_POSTERN_CLIENT_PORT_IN_USE when the configured port is a stranger's. */
  async open(): Promise<void> {
    this.#assertOpen();
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    await this.#opening;
    this.#closeLater(30_000);
  }

  /** Whoever can reach a loopback listener is at the machine. */
  whoIsThere(): Promise<Verdict> {
    return Promise.resolve({ is: 'initiator' });
  }

  /** Whoever has the program at this machine's terminal is at the machine, too. */
  isInitiator(_person: string | undefined, pending: Pending | undefined): boolean {
    return pending !== undefined;
  }

  async leadsHere(pending: Pending): Promise<boolean> {
    const holder = await this.#holderOfLink(pending, { silence: 'stranger' });
    if (holder !== 'here') return holder === 'ours';
    this.#takeOver(pending, { asked: true });
    this.#closeLater(30_000);
    return true;
  }

  async serve(pending: Pending, lost: () => void): Promise<Held> {
    this.#needed.set(pending.id, { pending, lost });
    this.#keepLooking();
    try {
      await this.#store.noteLink(pending.id, pending.expiresAtMs);
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('after a restart, a link will be answered only when it is asked for', {
        code,
      });
    }
    return {
      [Symbol.asyncDispose]: async () => {
        this.#needed.delete(pending.id);
        if (this.#needed.size === 0) this.#closeLater(lingerMs);
      },
    };
  }

  async ended({ id }: Pending): Promise<void> {
    await this.#store.forgetLink(id);
  }

  /** Stops listening. Links stay live, and are answered by another process of this machine, or after the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#closing);
    await this.#looking;
    const held = this.#listener !== undefined;
    await this.#shut();
    // So that others answer its links now, and not when they look next.
    if (held) await this.#store.announceLeaving().catch(() => {});
  }

  #originAt(port: number): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${port}`;
  }

  async #open(): Promise<void> {
    for (;;) {
      if (this.#listener !== undefined) return;
      const record = await this.#store.port();
      const port = this.#wantedPort === 0 ? record.port : this.#wantedPort;
      if (port !== 0 && (await this.#holderOf(port, { silence: 'stranger' })) !== 'stranger') {
        this.#port = port;
        if (record.port === port || (await this.#store.move(record, port))) return;
      } else {
        if (this.#wantedPort !== 0) throw this.#portInUse();
        // Nobody has a port yet, or a stranger took it: the links on it are asked for anew.
        await this.#bind(0);
        if (await this.#store.move(record, this.#port)) return;
      }
      // Another process was faster; its port is everybody's.
      await this.#shut();
    }
  }

  /** As {@link #holderOf}. A link of another port than the agreed one has whoever made it, or nobody. */
  async #holderOfLink(pending: Pending, { silence }: Silence): Promise<Holder> {
    const { url } = pending;
    const port = portOf(pending);
    const origin = this.#originAt(port);
    if (!url.startsWith(`${origin}/`)) return 'stranger';
    if (this.#listensOn(port)) return 'here';
    if (port === (await this.#store.port()).port) return this.#holderOf(port, { silence });
    const holder = await this.#challenge(port);
    return holder === 'silent' ? silence : holder === 'ours' ? 'ours' : 'stranger';
  }

  /**
   * Who answers on a port: this process from now on, if nobody did.
   *
   * @param silence what to take somebody for who says nothing: one of ours that is held up, or a stranger.
   */
  async #holderOf(port: number, { silence }: Silence): Promise<Holder> {
    for (let tries = 0; tries < maxTries; tries++) {
      if (await this.#bind(port)) return 'here';
      const holder = await this.#challenge(port);
      if (holder === 'silent') return silence;
      if (holder !== 'nobody') return holder;
      await sleep(50, { signal: this.#closed.signal });
    }
    return silence;
  }

  async #challenge(port: number): Promise<PortHolder> {
    const { random } = this.#surroundings;
    return challenge(this.#originAt(port), await this.#store.key(), { random, signal: this.#closed.signal });
  }

  /** Says once of each link that it is answered here, and no longer by whoever made it. */
  #takeOver(pending: Pending, options: { asked: boolean }): void {
    if (pending.createdAtMs >= this.#boundAtMs || this.#takenOver.has(pending.id)) return;
    this.#takenOver.add(pending.id);
    this.#onTakeOver(pending, options);
  }

  #listensOn(port: number): boolean {
    return this.#listener?.port === port;
  }

  /** Binds a port, unless it is taken: binding it is how processes agree on who answers. */
  async #bind(port: number): Promise<boolean> {
    this.#assertOpen();
    const boundAtMs = await this.#surroundings.now();
    const answer = (request: Request): Promise<Response> => this.#answerOrProve(request);
    // Loaded when a link is needed: what only looks credentials up runs where there is no `node:http`.
    const { openLoopbackListener } = await import('./loopback-listener.ts');
    if (this.#listener !== undefined) return this.#listensOn(port);
    const listener = await openLoopbackListener({ host: this.#host, port, fetch: answer });
    // Another caller here may have been faster.
    if (listener === undefined || this.#listener !== undefined || this.#closed.signal.aborted) {
      await listener?.close();
      return this.#listensOn(port);
    }
    this.#listener = listener;
    this.#port = listener.port;
    this.#boundAtMs = boundAtMs;
    return true;
  }

  async #answerOrProve(request: Request): Promise<Response> {
    const { port } = this.#listener ?? { port: this.#port };
    const proof = await answerChallenge(request, this.#originAt(port), () => this.#store.key());
    return proof ?? this.#answer(request);
  }

  #keepLooking(): void {
    if (this.#looking !== undefined || this.#closed.signal.aborted) return;
    const looking = this.#lookAfterLinks().finally(() => {
      this.#looking = undefined;
      if (this.#needed.size > 0) this.#keepLooking();
    });
    this.#looking = looking;
  }

  /** Answers links whose process is gone, those of an earlier start, too, for as long as any lives. */
  async #lookAfterLinks(): Promise<void> {
    const { signal } = this.#closed;
    for (; !signal.aborted; await this.#store.untilLeft(lookMs, signal)) {
      try {
        if (this.#needed.size === 0 && (await this.#store.liveUntilMs()) === undefined) break;
        if (this.#listener === undefined) await this.#lookAtPorts();
      } catch (error) {
        if (signal.aborted) return;
        const code = findPosternError(error)?.code;
        this.#surroundings.logger.warn('whether links are answered could not be seen', { code });
      }
    }
    this.#closeLater(lingerMs);
  }

  async #lookAtPorts(): Promise<void> {
    const { port } = await this.#store.port();
    if (port !== 0) await this.#holderOf(port, { silence: 'ours' });
    const holders = new Map<number, Holder>();
    for (const { pending, lost } of this.#needed.values()) {
      const holder = holders.get(portOf(pending)) ?? (await this.#holderOfLink(pending, { silence: 'ours' }));
      holders.set(portOf(pending), holder);
      if (holder === 'here') this.#takeOver(pending, { asked: false });
      if (holder === 'stranger') lost();
    }
  }

  #closeLater(delayMs: number): void {
    clearTimeout(this.#closing);
    const closing = async (): Promise<void> => this.#closeIfIdle().catch(() => this.#closeLater(delayMs));
    this.#closing = setTimeout(() => void closing(), delayMs);
    this.#closing.unref();
  }

  async #closeIfIdle(): Promise<void> {
    if (this.#needed.size > 0 || this.#closed.signal.aborted) return;
    // Others may need it still: they see that it is gone only after a while, and their person would meet nobody.
    if ((await this.#store.liveUntilMs()) !== undefined) return this.#closeLater(lingerMs);
    if (this.#needed.size === 0) await this.#shut();
  }

  async #shut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#takenOver.clear();
    await listener?.close();
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) {
      throw new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the gate of this machine was closed');
    }
  }

  #portInUse(): PosternError {
    return new PosternError(
      'ERR_POSTERN_CLIENT_PORT_IN_USE',
      `the port ${this.#wantedPort} is taken by another program`,
      {
        hint: `Stop the program that has port ${this.#wantedPort}, or configure another port (and register its redirect URI).`,
      },
    );
  }
}

function portOf({ url }: Pending): number {
  return Number(new URL(url).port || 80);
}

/** The gate of a program that is not deployed, such as a server on stdio: `new Oob({ gate: thisMachine(), … })`. */
export function thisMachine(options: ThisMachineOptions = {}): (surroundings: Surroundings) => Gate {
  const { ttlMs = defaultTtlMs } = options;
  return (surroundings) => new ThisMachine({ ...options, ttlMs }, surroundings);
}

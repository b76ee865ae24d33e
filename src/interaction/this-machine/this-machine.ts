import { sleep } from '../../core/clock.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { randomId } from '../../core/random.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { Gate, Held, Verdict } from '../gates/gate.ts';
import type { LoopbackListener } from './loopback-listener.ts';
import { MachineStore, proofOf } from './machine-record.ts';

export interface ThisMachineOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | '::1' | 'localhost' | undefined;
  /** The port. Default 0: the one used last, else any free one. A given port is used, or the gate does not open. */
  readonly port?: number | undefined;
  /** An https URL where the program's maker serves its client metadata document, with the loopback redirect URI. */
  readonly clientMetadataUrl?: string | undefined;
  /**
   * Called when a link of a process that is gone is answered here from now on: that one may not have come to show it.
   * `asked`: somebody asks for it here, just now.
   */
  readonly onTakeOver?: ((pending: Pending, options: { asked: boolean }) => void) | undefined;
}

/** How long the listener stays after the last link it is needed for, for a page that is still loading. */
const lingerMs = 2_000;
/** How often a process that needs a link looks whether somebody still answers it. */
const takeOverMs = 2_000;
/** How long whoever holds the port has to prove that it is one of ours. */
const proofMs = 2_000;
const challengePath = '/.well-known/postern-gate';

/**
 * The gate of programs that are not deployed: links lead to a loopback port of this machine, and the machine is the user.
 *
 * One port for each store and machine, so that there is one redirect URI and one registration. Whoever binds it answers
 * every link; the others make it prove, by a key in the store, that it is one of them, and take over when it stops. A
 * program that starts while links live binds the port at once. A link that a stranger would answer is never handed out.
 *
 * @see RFC 8252 §7.3
 */
export class ThisMachine implements Gate {
  readonly answersInPlace = true;
  readonly firstBrowserOwns = true;
  readonly clientMetadataUrl: string | undefined;
  readonly #surroundings: Surroundings;
  readonly #host: string;
  readonly #wantedPort: number;
  readonly #store: MachineStore;
  readonly #onTakeOver: (pending: Pending, options: { asked: boolean }) => void;
  /** Whether the listener was opened for links that were there before, and not for one made here. */
  #inherited = false;
  readonly #takenOver = new Set<string>();
  #port: number;
  #listener: LoopbackListener | undefined;
  #opening: Promise<void> | undefined;
  #answer: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  /** Links that somebody here needs. */
  #needed = 0;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #resuming: Promise<void> = Promise.resolve();
  readonly #closed = new AbortController();

  constructor(options: ThisMachineOptions, surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#host = options.host ?? '127.0.0.1';
    this.#wantedPort = options.port ?? 0;
    this.#port = this.#wantedPort;
    this.clientMetadataUrl = options.clientMetadataUrl;
    this.#store = new MachineStore(surroundings);
    this.#onTakeOver = options.onTakeOver ?? (() => {});
  }

  get baseUrl(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${this.#port}`;
  }

  attach(answer: (request: Request) => Promise<Response>): void {
    this.#answer = answer;
    if (!this.#surroundings.storage.capabilities.durable) return;
    // What lives from before this start is answered again at once, not only when somebody asks for it.
    this.#resuming = this.#resume().catch((error: unknown) => {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('links from before this start are not answered yet', { code });
    });
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

  async leadsHere(pending: Pending): Promise<boolean> {
    const { url } = pending;
    const port = Number(new URL(url).port);
    if (this.#listener?.port === port) {
      this.#takeOver(pending, { asked: true });
      return true;
    }
    const { port: known } = await this.#store.port();
    if (port !== known || !url.startsWith(`${this.#baseUrlAt(port)}/`)) return false;
    if (await this.#inherit(port)) {
      this.#closeLater(30_000);
      this.#takeOver(pending, { asked: true });
      return true;
    }
    return this.#isOurs(port);
  }

  async serve(pending: Pending): Promise<Held> {
    this.#needed++;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#closed.signal]);
    await this.#store.noteLink(pending.id, pending.expiresAtMs);
    const watching = this.#takeOverWhenFree(pending, signal);
    return {
      [Symbol.asyncDispose]: async () => {
        over.abort();
        await watching;
        this.#needed--;
        if (!this.#closed.signal.aborted) await this.#store.forgetLink(pending.id).catch(() => {});
        if (this.#needed === 0) this.#closeLater(lingerMs);
      },
    };
  }

  async idle(timeoutMs: number): Promise<void> {
    await this.#listener?.idle(timeoutMs);
  }

  /** Stops listening. Links stay live, and are answered by another process of this machine, or after the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#closing);
    await this.#resuming;
    await this.#shut();
  }

  #baseUrlAt(port: number): string {
    return this.baseUrl.replace(/:\d+$/u, `:${port}`);
  }

  async #open(): Promise<void> {
    if (this.#listener !== undefined) return;
    for (;;) {
      const record = await this.#store.port();
      const port = this.#wantedPort === 0 ? record.port : this.#wantedPort;
      if (port !== 0 && ((await this.#bind(port)) || (await this.#isOurs(port)))) {
        this.#port = port;
        if (record.port === port || (await this.#store.move(record, port))) return;
        continue;
      }
      if (this.#wantedPort !== 0) throw this.#portInUse();
      // Nobody has a port yet, or a stranger took it: the links on it are asked for anew.
      await this.#bind(0);
      if (await this.#store.move(record, this.#port)) return;
      await this.#shut();
    }
  }

  async #inherit(port: number): Promise<boolean> {
    return (this.#inherited = await this.#bind(port));
  }

  /** Says once of each link that it is answered here, and no longer by whoever made it. */
  #takeOver(pending: Pending, options: { asked: boolean }): void {
    if (!this.#inherited || this.#takenOver.has(pending.id)) return;
    this.#takenOver.add(pending.id);
    this.#onTakeOver(pending, options);
  }

  /** Binds a port, unless it is taken: binding it is how processes agree on who answers. */
  async #bind(port: number): Promise<boolean> {
    this.#assertOpen();
    const answer = (request: Request): Promise<Response> => this.#answerOrProve(request);
    // Loaded when a link is needed: what only looks credentials up runs where there is no `node:http`.
    const { openLoopbackListener } = await import('./loopback-listener.ts');
    const listener = await openLoopbackListener({ host: this.#host, port, fetch: answer });
    if (listener === undefined) return false;
    if (this.#listener !== undefined || this.#closed.signal.aborted) {
      await listener.close();
      return this.#listener?.port === port;
    }
    this.#listener = listener;
    this.#port = listener.port;
    return true;
  }

  async #answerOrProve(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== challengePath) return this.#answer(request);
    const nonce = searchParams.get('nonce') ?? '';
    if (!/^[\w-]{16,64}$/u.test(nonce)) return new Response(null, { status: 400 });
    const proof = await proofOf(await this.#store.key(), this.#port, nonce);
    return new Response(proof, { headers: { 'cache-control': 'no-store' } });
  }

  /** Whether whoever holds the port knows what only processes on this store know. */
  async #isOurs(port: number): Promise<boolean> {
    const nonce = randomId(this.#surroundings.random);
    try {
      const reply = await fetch(`${this.#baseUrlAt(port)}${challengePath}?nonce=${nonce}`, {
        redirect: 'error',
        signal: AbortSignal.timeout(proofMs),
      });
      if (!reply.ok || Number(reply.headers.get('content-length') ?? 0) > 256) return false;
      return (await reply.text()) === (await proofOf(await this.#store.key(), port, nonce));
    } catch {
      return false;
    }
  }

  async #takeOverWhenFree(pending: Pending, signal: AbortSignal): Promise<void> {
    const port = Number(new URL(pending.url).port);
    while (!signal.aborted) {
      if (this.#listener === undefined) {
        try {
          if (await this.#inherit(port)) this.#takeOver(pending, { asked: false });
        } catch (error) {
          const name = error instanceof Error ? error.name : typeof error;
          this.#surroundings.logger.warn('a link could not be taken over', { error: name });
        }
      }
      await sleep(takeOverMs, { signal });
    }
  }

  /** Answers links of an earlier start, or of a process that is gone, until the last of them has ended. */
  async #resume(): Promise<void> {
    const { signal } = this.#closed;
    for (;;) {
      const untilMs = signal.aborted ? undefined : await this.#store.liveUntilMs();
      if (untilMs === undefined || signal.aborted) return;
      const { port } = await this.#store.port();
      if (port !== 0 && this.#listener === undefined) await this.#inherit(port);
      await sleep(takeOverMs, { signal, keepAlive: false });
    }
  }

  #closeLater(delayMs: number): void {
    clearTimeout(this.#closing);
    this.#closing = setTimeout(() => void this.#closeIfIdle().catch(() => {}), delayMs);
    this.#closing.unref();
  }

  async #closeIfIdle(): Promise<void> {
    if (this.#needed > 0) return;
    // Others may need it still: they see that it is gone only after a while, and their person would meet nobody.
    if ((await this.#store.liveUntilMs()) !== undefined) return this.#closeLater(lingerMs);
    if (this.#needed === 0) await this.#shut();
  }

  async #shut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#inherited = false;
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
      { hint: 'Stop that program, or configure another port (and register its redirect URI).' },
    );
  }
}

/** The gate of a program that is not deployed, such as a server on stdio: `createOob({ gate: thisMachine(), … })`. */
export function thisMachine(options: ThisMachineOptions = {}): (surroundings: Surroundings) => Gate {
  return (surroundings) => new ThisMachine(options, surroundings);
}

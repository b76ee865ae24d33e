import { z } from 'zod';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';
import type { PendingSpec } from '../pending/pendings.ts';
import { acquireLease } from '../sync/lease.ts';
import { withSignal } from '../sync/with-signal.ts';
import { Collection } from '../storage/collection.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';
import type { SignIn } from './completion.ts';
import type { LoopbackListener } from './loopback-listener.ts';

export interface LocalAuthCoordinatorOptions extends Partial<AuthCoordinatorOptions> {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: '127.0.0.1' | '::1' | 'localhost' | undefined;
  /** The callback port. Default 0: the one used last, else any free one. A given port is used or the sign-in fails. */
  readonly port?: number | undefined;
  /** Opens the link in the person's browser. Default true. */
  readonly autoOpenBrowser?: boolean | undefined;
  /** Makes whoever needs the sign-in wait until it has ended. Default true. */
  readonly blockUntilCallback?: boolean | undefined;
  /** How the browser is opened; resolves to whether it was. */
  readonly openBrowser?: ((url: string) => Promise<boolean>) | undefined;
  /** Is given every link that a person has to open by themselves. Default: a line on stderr. */
  readonly onLink?: ((link: { url: string; server: string; expiresAtMs: number }) => void) | undefined;
  /** An https URL where the program's maker serves its client metadata document, with the loopback redirect URI. */
  readonly clientMetadataUrl?: string | undefined;
}

const portRecord = z.looseObject({ port: z.number().int() });

/** How long the listener stays after the last sign-in ended, for a page that is still loading. */
const lingerMs = 2_000;
/** How often a process that waits for a link of another checks whether that one still serves it. */
const adoptMs = 2_000;

/**
 * For programs at a terminal: the machine is the user, callbacks come to a loopback listener
 * that is open only while something is pending, and by default calls wait for the person.
 *
 * Several processes on one store show one link. If the process that serves it dies, one that waits takes its port over.
 */
export class LocalAuthCoordinator extends AuthCoordinator {
  readonly #host: string;
  readonly #port: number;
  readonly #autoOpenBrowser: boolean;
  readonly #blockUntilCallback: boolean;
  readonly #clientMetadataUrl: string | undefined;
  readonly #openBrowser: ((url: string) => Promise<boolean>) | undefined;
  readonly #onLink: (link: { url: string; server: string; expiresAtMs: number }) => void;
  /** The one our own links lead to. */
  #own: LoopbackListener | undefined;
  #opening: Promise<LoopbackListener> | undefined;
  /** Ports taken over from processes that died, to serve their links. */
  readonly #adopted = new Map<number, LoopbackListener>();
  /** Sign-ins that callers of this process wait for, one wait each. */
  readonly #watched = new Map<string, Promise<Pending<SignIn>>>();
  #closed = false;
  #closing: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LocalAuthCoordinatorOptions = {}) {
    super({ ...options, storage: options.storage ?? new MemoryBackend() });
    this.#host = options.host ?? '127.0.0.1';
    this.#port = options.port ?? 0;
    this.#autoOpenBrowser = options.autoOpenBrowser ?? true;
    this.#blockUntilCallback = options.blockUntilCallback ?? true;
    this.#openBrowser = options.openBrowser;
    this.#clientMetadataUrl = options.clientMetadataUrl;
    this.#onLink = options.onLink ?? printLink;
  }

  protected override get baseUrl(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${this.#own?.port ?? this.#port}`;
  }

  override get clientMetadataUrl(): string | undefined {
    return this.#clientMetadataUrl;
  }

  protected override get answersInPlace(): boolean {
    return true;
  }

  /** The machine is the user: whoever can reach a loopback listener with the browser's cookie is at it. */
  protected override verify(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** @throws {PosternError} ERR_POSTERN_CLIENT_PORT_IN_USE when the configured port is taken. */
  override async redirectUri(): Promise<string> {
    await this.#open();
    this.#closeLater(30_000);
    return this.callbackUrl;
  }

  override get blocksCallers(): boolean {
    return this.#blockUntilCallback;
  }

  override async createSignIn(
    namespace: Namespace,
    slot: readonly string[],
    specify: () => Promise<PendingSpec<SignIn>>,
  ): Promise<{ pending: Pending<SignIn>; created: boolean }> {
    const live = await this.pendings.findLive(namespace, slot);
    if (live !== undefined) return { pending: live, created: false };
    // Each process has a port, so a redirect URI, of its own: of those that start at once, one opens and registers it.
    await using _lease = await acquireLease(storageOf(this.storage, namespace), ['sign-in-lease', ...slot], {
      leaseMs: this.leaseMs,
      waitMs: this.leaseMs + 5_000,
      clock: this.clock,
    });
    return await super.createSignIn(namespace, slot, specify);
  }

  override async present(pending: Pending<SignIn>, options: { created: boolean }): Promise<void> {
    if (this.#watched.has(pending.id)) return;
    const taken = this.#adopt(pending);
    const ended = this.#watch(pending, taken);
    // Whoever waits takes the outcome from it; without anybody it only keeps the listener open.
    ended.catch(() => {});
    this.#watched.set(pending.id, ended);
    // Where whoever made it is gone, the person who asks again has to see it again.
    if ((await taken) || options.created) await this.#show(pending);
  }

  override async awaitEnd(
    pending: Pending<SignIn>,
    { signal }: { signal: AbortSignal },
  ): Promise<Pending<SignIn>> {
    const watched = this.#watched.get(pending.id);
    if (watched === undefined) return super.awaitEnd(pending, { signal });
    const ended = await withSignal(watched, signal);
    // A program that ends as soon as it goes on would cut the page off.
    const listeners = [...this.#adopted.values(), ...(this.#own === undefined ? [] : [this.#own])];
    await Promise.all(listeners.map((listener) => listener.idle(1_000)));
    return ended;
  }

  /** Stops listening. Sign-ins stay pending, and can be finished by another process on the same store. */
  override async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#closing);
    await this.#shut();
    await super.close();
  }

  async #watch(pending: Pending<SignIn>, taken: Promise<boolean>): Promise<Pending<SignIn>> {
    try {
      await taken;
      for (;;) {
        try {
          return await this.pendings.waitFor(pending, { timeoutMs: adoptMs });
        } catch (error) {
          if (!isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT') || this.#closed) throw error;
          // A process that died may not have come to show it. No second tab, though: it may have.
          if (await this.#adopt(pending)) this.#tell(pending);
        }
      }
    } finally {
      this.#watched.delete(pending.id);
      if (this.#watched.size === 0) this.#closeLater(lingerMs);
    }
  }

  /** Serves a link that another process made, if that one no longer does. Returns whether it began to. */
  async #adopt(pending: Pending<SignIn>): Promise<boolean> {
    const port = Number(new URL(pending.url).port);
    if (this.#own?.port === port || this.#adopted.has(port)) return false;
    const { openLoopbackListener } = await import('./loopback-listener.ts');
    const listener = await openLoopbackListener({ host: this.#host, port, fetch: this.fetch });
    if (listener !== undefined) this.#adopted.set(port, listener);
    return listener !== undefined;
  }

  async #show(pending: Pending<SignIn>): Promise<void> {
    if (this.#autoOpenBrowser) {
      const open = this.#openBrowser ?? (await import('./open-browser.ts')).openBrowser;
      if (await open(pending.url)) return;
    }
    this.#tell(pending);
  }

  #tell({ url, expiresAtMs, data }: Pending<SignIn>): void {
    this.#onLink({ url, server: data?.server ?? '', expiresAtMs });
  }

  #open(): Promise<LoopbackListener> {
    clearTimeout(this.#closing);
    if (this.#own !== undefined) return Promise.resolve(this.#own);
    this.#opening ??= this.#listen().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #listen(): Promise<LoopbackListener> {
    const { openLoopbackListener } = await import('./loopback-listener.ts');
    const ports = new Collection(new NamespacedStorage(this.storage, ['app']), portRecord);
    const remembered = (await ports.find('loopback-port'))?.value.port;
    // The same port again is the same redirect URI, and so the same registration.
    const candidates =
      this.#port === 0 ? [...(remembered === undefined ? [] : [remembered]), 0] : [this.#port];
    for (const port of candidates) {
      const listener = await openLoopbackListener({ host: this.#host, port, fetch: this.fetch });
      if (listener === undefined) continue;
      this.#own = listener;
      if (this.#port === 0 && listener.port !== remembered) {
        await ports.put(['loopback-port'], { port: listener.port });
      }
      return listener;
    }
    throw new PosternError(
      'ERR_POSTERN_CLIENT_PORT_IN_USE',
      `the callback port ${this.#port} is taken by another program`,
      {
        hint: 'Stop that program, or configure another port (and register its redirect URI).',
      },
    );
  }

  #closeLater(delayMs: number): void {
    clearTimeout(this.#closing);
    this.#closing = setTimeout(() => {
      if (this.#watched.size === 0) void this.#shut();
    }, delayMs);
    this.#closing.unref();
  }

  async #shut(): Promise<void> {
    const listeners = [...this.#adopted.values(), ...(this.#own === undefined ? [] : [this.#own])];
    this.#own = undefined;
    this.#adopted.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

function printLink({ url, server }: { url: string; server: string }): void {
  // A terminal's own coordinator, with nobody told otherwise: the person must see the link somewhere.
  // oxlint-disable-next-line no-console
  console.error(`Open this link to sign in to ${JSON.stringify(server)}:\n  ${url}`);
}

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Where a proxy leads. */
export interface FaultProxyTarget {
  readonly host?: string | undefined;
  readonly port: number;
}

type Mode = 'pass' | 'black-hole' | 'refuse';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, in either direction, and neither side is told. */
  isDead: boolean;
}

/**
 * A TCP proxy on loopback that fails when it is told to.
 *
 * It passes bytes on until then. Each fault stays until `pass()`; a connection that fell into a black hole stays dead.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #target: FaultProxyTarget;
  readonly #links = new Set<Link>();
  /** What is delayed on its way to a socket. */
  readonly #queues = new WeakMap<Socket, (() => void)[]>();
  #mode: Mode = 'pass';
  #delayMs = 0;
  #trap: 'request' | 'reply' | undefined;
  #onSprung: (() => void) | undefined;
  /** How many connections were ever accepted. */
  accepted = 0;

  private constructor(target: FaultProxyTarget) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(target: FaultProxyTarget): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#links.size;
  }

  /** Everything passes again, on new connections and on those that are not dead. */
  pass(): void {
    this.#mode = 'pass';
    this.#delayMs = 0;
    this.#trap = undefined;
  }

  /** Each piece of data arrives this much later, in both directions. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Present connections go dead, and new ones are accepted and never answered. Nobody gets an error. */
  blackHole(): void {
    this.#mode = 'black-hole';
    for (const link of this.#links) link.isDead = true;
  }

  /** Present connections are cut, and new ones are as soon as they are made. */
  refuse(): void {
    this.#mode = 'refuse';
    this.cut();
  }

  /** Present connections are cut; new ones are not touched. */
  cut(): void {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /**
   * Cuts the connection on which the next piece of data comes from a client.
   *
   * `request`: before the server sees it. `reply`: after the server has done its work, when its answer comes back.
   * Resolves when that has happened.
   */
  cutNext(moment: 'request' | 'reply'): Promise<void> {
    this.#trap = moment;
    return new Promise((resolve) => {
      this.#onSprung = resolve;
    });
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  #accept(client: Socket): void {
    this.accepted++;
    // Whoever it is meant for may cut it at any time; that is no failure of the proxy.
    client.on('error', () => {});
    if (this.#mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: this.#target.host ?? '127.0.0.1', port: this.#target.port });
    server.on('error', () => {});
    client.setNoDelay(true);
    server.setNoDelay(true);
    const link: Link = { client, server, isDead: this.#mode === 'black-hole' };
    this.#links.add(link);

    let isTrapped = false;
    const spring = (): void => {
      client.resetAndDestroy();
      server.destroy();
      this.#onSprung?.();
      this.#onSprung = undefined;
    };
    client.on('data', (data) => {
      if (this.#trap === 'request') {
        this.#trap = undefined;
        spring();
        return;
      }
      if (this.#trap === 'reply') {
        this.#trap = undefined;
        isTrapped = true;
      }
      this.#pass(link, server, data);
    });
    server.on('data', (data) => {
      if (isTrapped) spring();
      else this.#pass(link, client, data);
    });
    client.on('close', () => {
      this.#links.delete(link);
      server.destroy();
    });
    server.on('close', () => {
      // A dead link keeps its silence: the client learns nothing.
      if (!link.isDead) client.destroy();
    });
  }

  #pass(link: Link, to: Socket, data: Buffer): void {
    const write = (): void => {
      if (!link.isDead && !to.destroyed) to.write(data);
    };
    if (link.isDead) return;
    // In their order, also when the delay has ended: TCP delays bytes, and never lets one overtake another.
    const queue = this.#queues.get(to) ?? [];
    if (this.#delayMs === 0 && queue.length === 0) {
      write();
      return;
    }
    queue.push(write);
    this.#queues.set(to, queue);
    setTimeout(() => queue.shift()?.(), this.#delayMs);
  }
}

import { classifyHost } from '../../http/host-class.ts';

export interface SenderCheckOptions {
  /** Whether only names of this machine lead here. */
  readonly loopbackOnly: boolean;
  /** Where clients reach it. */
  readonly publicUrl: string;
  /** Further names by which it is reached, without a port. */
  readonly hosts: readonly string[];
  /** Origins of pages that may call. */
  readonly origins: readonly string[];
}

/**
 * Whether a request comes from where one may come from.
 *
 * A page of another site can have a browser send something here, which `Origin` gives away, or point a name of its own at
 * this address, which `Host` gives away.
 */
export class SenderCheck {
  readonly #options: SenderCheckOptions;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor(options: SenderCheckOptions) {
    this.#options = options;
    const own = new URL(options.publicUrl);
    this.#hosts = new Set([own.hostname, ...options.hosts.map((host) => host.toLowerCase())]);
    this.#origins = new Set([own.origin, ...options.origins]);
  }

  /** What is wrong with it; `undefined`: nothing. */
  problemOf(host: string | undefined, origin: string | undefined): 'host' | 'origin' | undefined {
    if (this.#options.loopbackOnly && !this.#isOurs(host)) return 'host';
    return origin === undefined || this.#mayCall(origin) ? undefined : 'origin';
  }

  /** The origin of a page that may read our answers. */
  readableBy(origin: string | undefined): string | undefined {
    return origin !== undefined && this.#mayCall(origin) ? origin : undefined;
  }

  #isOurs(host: string | undefined): boolean {
    const name = URL.parse(`http://${host ?? ''}`)?.hostname;
    if (host === undefined || name === undefined) return false;
    return this.#hosts.has(name) || classifyHost(name) === 'loopback';
  }

  #mayCall(origin: string): boolean {
    if (this.#origins.has(origin)) return true;
    const url = this.#options.loopbackOnly ? URL.parse(origin) : null;
    // A page of this machine's own, such as an inspector's.
    return url !== null && url.protocol.startsWith('http') && classifyHost(url.hostname) === 'loopback';
  }
}

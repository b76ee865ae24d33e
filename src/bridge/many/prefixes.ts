/** Between a server's name and a tool's. No host refuses it. */
const separator = '__';
/** Hosts refuse names of more than 64 characters, and most of that is the tool's. */
const maxPrefix = 24;

/** How the servers of one bridge are told apart in the names of tools and prompts. */
export class Prefixes {
  readonly #byPrefix = new Map<string, string>();
  readonly #byServer = new Map<string, string>();

  /** @param servers their names. Two that would look the same are numbered. */
  constructor(servers: readonly string[]) {
    for (const server of servers) {
      const plain = server
        .replaceAll(/[^\w-]+/gu, '_')
        .replaceAll(/_{2,}/gu, '_')
        .slice(0, maxPrefix);
      const base = plain.replaceAll(/^_+|_+$/gu, '') || 'server';
      let prefix = base;
      for (let count = 2; this.#byPrefix.has(prefix); count++) prefix = `${base}_${count}`;
      this.#byPrefix.set(prefix, server);
      this.#byServer.set(server, prefix);
    }
  }

  /** What something of a server is called at the host. */
  name(server: string, name: string): string {
    return `${this.#byServer.get(server) ?? server}${separator}${name}`;
  }

  /** Whose it is, and what it is called there; `undefined` for what is nobody's. */
  find(name: unknown): { readonly server: string; readonly name: string } | undefined {
    if (typeof name !== 'string') return undefined;
    const at = name.indexOf(separator);
    const server = at === -1 ? undefined : this.#byPrefix.get(name.slice(0, at));
    return server === undefined ? undefined : { server, name: name.slice(at + separator.length) };
  }
}

import type { Network, NetworkOptions } from './network-options.ts';

/**
 * Opens the network: on Node, connections of our own, kept alive, guarded and bounded; elsewhere the runtime's `fetch`, which
 * guards and bounds as that runtime does.
 *
 * Nothing is loaded before the first request.
 */
export function openNetwork(options: NetworkOptions = {}): Network {
  if (!isNode()) return { fetch: (input, init) => globalThis.fetch(input, init), close: async () => {} };
  let opening: Promise<Network> | undefined;
  const open = (): Promise<Network> =>
    (opening ??= import('./node/node-network.ts').then(({ openNodeNetwork }) => openNodeNetwork(options)));
  let opened: Network | undefined;
  return {
    fetch: (input, init) =>
      opened?.fetch(input, init) ??
      open().then((network) => {
        opened = network;
        return network.fetch(input, init);
      }),
    close: async () => (await opening)?.close(),
  };
}

let common: Network | undefined;

/** The network of whoever has been given none. */
export function commonNetwork(): Network {
  return (common ??= openNetwork());
}

/** A deployment acts for many, on the word of servers that it does not know: what those name is guarded, unless its operator says otherwise. */
export function guarded(options: NetworkOptions = {}): NetworkOptions {
  return { guard: {}, ...options };
}

/** Others that call themselves Node for compatibility have sockets, or none, of their own. */
function isNode(): boolean {
  const { process, navigator } = globalThis as {
    process?: { versions?: Record<string, string | undefined> };
    navigator?: { userAgent?: string };
  };
  const versions = process?.versions;
  return (
    versions?.['node'] !== undefined &&
    versions['bun'] === undefined &&
    !('Deno' in globalThis) &&
    navigator?.userAgent !== 'Cloudflare-Workers'
  );
}

import { checkDurations } from '../core/check-durations.ts';
import { readAllowance } from './guard.ts';
import type { Network, NetworkOptions } from './network-options.ts';

/**
 * Opens the network: on Node, connections of our own, kept alive, guarded and bounded; elsewhere the runtime's `fetch`, which
 * guards and bounds as that runtime does.
 *
 * Nothing is loaded before the first request.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a time is none, or the guard allows what is no address.
 */
export function openNetwork(options: NetworkOptions = {}): Network {
  const { guard, limits } = options;
  guard?.allow?.forEach(readAllowance);
  checkDurations({
    connectMs: limits?.connectMs,
    silenceMs: limits?.silenceMs,
    answerMs: limits?.answerMs,
  });
  const others = new Map<NetworkOptions, Network>();
  const way = isNode() ? openLate(options) : { fetch: globalFetch, close: async () => {} };
  return {
    fetch: way.fetch,
    with(more) {
      const other = others.get(more) ?? openNetwork(laidOver(options, more));
      others.set(more, other);
      return other;
    },
    async close() {
      await Promise.all([way, ...others.values()].map((one) => one.close()));
    },
  };
}

type Way = Pick<Network, 'fetch' | 'close'>;

/** Looked up at each call, and called as nobody's member: some runtimes insist. */
const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

function openLate(options: NetworkOptions): Way {
  let opening: Promise<Way> | undefined;
  let opened: Way | undefined;
  const open = (): Promise<Way> =>
    (opening ??= import('./node/node-network.ts').then(({ openNodeNetwork }) => openNodeNetwork(options)));
  return {
    fetch: (input, init) =>
      opened?.fetch(input, init) ??
      open().then((way) => {
        opened = way;
        return way.fetch(input, init);
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
  return laidOver({ guard: {} }, options);
}

/** An option that is there and undefined takes nothing away, a guard least of all. */
function laidOver(below: NetworkOptions, over: NetworkOptions): NetworkOptions {
  const given = Object.entries(over).filter(([, value]) => value !== undefined);
  return { ...below, ...Object.fromEntries(given) };
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

import { checkDurations } from '../core/check-durations.ts';
import { PosternError } from '../core/postern-error.ts';
import { asClientOf, findCertificate, type CertifiedInit } from './certificates.ts';
import { readAllowance } from './guard.ts';
import type { Network, NetworkOptions } from './network-options.ts';

/**
 * Opens the network: on Node, connections of our own, kept alive, guarded and bounded; elsewhere the runtime's `fetch`, which
 * guards and bounds as that runtime does.
 *
 * Nothing is loaded before the first request.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a time is none, the guard allows what is no address, a
 * certificate is for what is no issuer, or there is a certificate, an authority or a proxy where nothing could heed it.
 */
export function openNetwork(options: NetworkOptions = {}): Network {
  const { guard, limits } = options;
  guard?.allow?.forEach(readAllowance);
  checkDurations({
    connectMs: limits?.connectMs,
    silenceMs: limits?.silenceMs,
    answerMs: limits?.answerMs,
  });
  const certificateFor = findCertificate(options.clientCertificates);
  if (!isNode()) refuseUnheeded(options);
  const others = new Map<object, Network>();
  const way = isNode() ? openLate(options) : { fetch: globalFetch, close: async () => {} };
  const another = (more: NetworkOptions, key: object): Network => {
    const other = others.get(key) ?? openNetwork(laidOver(options, more));
    others.set(key, other);
    return other;
  };
  const certified: typeof globalThis.fetch = (input, init) => {
    const { [asClientOf]: issuer } = (init ?? {}) as CertifiedInit;
    const clientCertificate = issuer === undefined ? undefined : certificateFor(issuer);
    if (clientCertificate === undefined) return way.fetch(input, init);
    return another({ clientCertificate }, clientCertificate).fetch(input, init);
  };
  return {
    fetch: options.clientCertificates === undefined ? way.fetch : certified,
    with: (more) => another(more, more),
    hasCertificateFor: (issuer) => certificateFor(issuer) !== undefined,
    async close() {
      await Promise.all([way, ...others.values()].map((one) => one.close()));
    },
  };
}

type Way = Pick<Network, 'fetch' | 'close'>;

/** Looked up at each call, and called as nobody's member: some runtimes insist. */
const globalFetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);

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

let commonGuarded: Network | undefined;

/** The network of whoever has been given none, and asks on the word of others. */
export function guardedNetwork(): Network {
  return (commonGuarded ??= openNetwork(guarded()));
}

/** A deployment acts for many, on the word of servers that it does not know: what those name is guarded, unless its operator says otherwise. */
export function guarded(options: NetworkOptions = {}): NetworkOptions {
  return laidOver({ guard: {} }, options);
}

/**
 * An option that is there and undefined takes nothing away, a guard least of all. A certificate for all that is asked there
 * goes before those that are for issuers.
 */
function laidOver(below: NetworkOptions, over: NetworkOptions): NetworkOptions {
  const given = Object.entries(over).filter(([, value]) => value !== undefined);
  const { clientCertificates, ...rest } = below;
  return {
    ...rest,
    ...(over.clientCertificate === undefined && { clientCertificates }),
    ...Object.fromEntries(given),
  };
}

/** Requests that leave without what was asked for would go where, or as whom, they must not. */
function refuseUnheeded({ clientCertificate, clientCertificates, ca, proxy }: NetworkOptions): void {
  const asked = {
    clientCertificate,
    clientCertificates,
    ca,
    proxy: proxy === 'environment' || proxy === 'none' ? undefined : proxy,
  };
  const [name] = Object.entries(asked).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `"network.${name}" is not for this runtime, whose "fetch" knows nothing of it`,
    { hint: 'Give a "fetch" of your own that does it, in place of "network".' },
  );
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

import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { PosternError } from '../../core/postern-error.ts';
import { readAllowance, type Guard } from '../guard.ts';
import { classifyHost } from '../host-class.ts';
import { dns } from './built-ins.ts';

/** Judges where connections lead, by the address they are made to. */
export interface Addresses {
  /**
   * Of an address that stands in the URL itself, which nothing resolves.
   *
   * @throws {PosternError} ERR_POSTERN_NETWORK_FORBIDDEN when it must not be connected to.
   */
  readonly check: (hostname: string) => void;
  /** Resolves a name once, for the connection that is then made to what was judged. All that it resolves to must pass. */
  readonly lookup: LookupFunction;
}

/**
 * @param resolve how names are resolved; the system's way where nothing else is given.
 * @param inside whether this machine and private networks may be reached.
 * @throws {PosternError} as {@link readAllowance}.
 */
export function guardAddresses(
  { allow = [] }: Guard,
  inside: boolean,
  resolve: Resolve = byTheSystem,
): Addresses {
  const { names, networks } = readAllowed(allow);
  const mayReach = (hostname: string, address: string): boolean => {
    const place = classifyHost(isIPv6(address) ? `[${address.replace(/%.*$/u, '')}]` : address);
    if (place === 'public' || networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return true;
    return place !== 'reserved' && (inside || names.some((allows) => allows(hostname)));
  };
  const passed = new Set<string>();
  return {
    check(hostname) {
      // Nearly always the same few.
      if (passed.has(hostname)) return;
      const address = hostname.replace(/^\[|\]$/gu, '');
      if (isIP(address) !== 0 && !mayReach(address, address)) throw forbidden(hostname);
      if (passed.size < 100) passed.add(hostname);
    },
    lookup(hostname, options, callback) {
      resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        if (error !== null) return callback(error, '', 0);
        if (!addresses.every(({ address }) => mayReach(hostname, address)))
          return callback(forbidden(hostname), '', 0);
        if (options.all === true) return callback(null, addresses);
        const [first] = addresses;
        callback(null, first?.address ?? '', first?.family);
      });
    },
  };
}

/** `dns.lookup` for all addresses of a name. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const byTheSystem: Resolve = (...request) => dns().lookup(...request);

interface Allowed {
  readonly names: readonly ((hostname: string) => boolean)[];
  readonly networks: BlockList;
}

function readAllowed(allow: readonly string[]): Allowed {
  const networks = new BlockList();
  const names: ((hostname: string) => boolean)[] = [];
  for (const allowance of allow.map(readAllowance)) {
    if ('name' in allowance) {
      const { name } = allowance;
      names.push((hostname) => {
        const plain = hostname.toLowerCase().replace(/\.$/u, '');
        return name.startsWith('.') ? plain.endsWith(name) : plain === name;
      });
    } else networks.addSubnet(allowance.address, allowance.prefix, allowance.family);
  }
  return { names, networks };
}

function forbidden(hostname: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_FORBIDDEN',
    `${JSON.stringify(hostname)} leads to an address that must not be connected to`,
    {
      hint: 'It is inside a private network, this machine, or reserved. Where it is right, whoever runs this program adds its name or network to "network.guard.allow".',
    },
  );
}

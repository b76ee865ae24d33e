import { PosternError } from '../core/postern-error.ts';

/**
 * Which addresses may be connected to. What is judged is the address of the connection itself, not the name in the URL.
 *
 * Public addresses always may. Reserved ones (link-local with the cloud's metadata, unspecified, multicast, documentation,
 * and IPv6 that carries IPv4) never may, unless they are allowed by their own address or network.
 */
export interface Guard {
  /**
   * What may be reached besides: names (`intranet.example`; `*.corp.example` for all below), addresses (`10.1.2.3`) and
   * networks (`10.0.0.0/8`, `fd00::/8`).
   *
   * @example
   * guard: { allow: ['*.corp.example', '10.20.0.0/16'] }
   */
  readonly allow?: readonly string[] | undefined;
}

/** One entry of {@link Guard.allow}: a name, which covers all below it when it begins with a dot, or a network. */
export type Allowance =
  | { readonly name: string }
  | { readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly prefix: number };

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it is neither a name, an address nor a network. */
export function readAllowance(entry: string): Allowance {
  const [address = '', bits] = entry.split('/');
  const family = familyOf(address);
  if (family !== undefined) {
    const most = family === 'ipv6' ? 128 : 32;
    const prefix = bits === undefined ? most : /^\d+$/u.test(bits) ? Number(bits) : -1;
    if (prefix >= 0 && prefix <= most) return { address, family, prefix };
  } else if (/^(?:\*\.)?[a-z\d](?:[a-z\d.-]*[a-z\d])?$/iu.test(entry) && !/(?:^|\.)\d+$/u.test(entry)) {
    return { name: entry.replace(/^\*/u, '').toLowerCase() };
  }
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `"network.guard.allow" has ${JSON.stringify(entry)}, which is neither a name, an address nor a network`,
    { hint: 'Write "intranet.example", "*.corp.example", "10.1.2.3" or "10.0.0.0/8".' },
  );
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/u.test(address))
    return address.split('.').every((part) => Number(part) <= 255) ? 'ipv4' : undefined;
  return /^[\da-f:.]*:[\da-f:.]*$/iu.test(address) && URL.canParse(`http://[${address}]/`)
    ? 'ipv6'
    : undefined;
}

/**
 * Set on the `init` of a request whose place the operator has named, or trusts: it may lead to this machine and to private
 * networks. A `fetch` that is not ours leaves it alone.
 */
export const mayReachInside: unique symbol = Symbol('postern.mayReachInside');

/** A request, with the word of whoever makes it. */
export interface GuardedInit extends RequestInit {
  readonly [mayReachInside]?: boolean | undefined;
}

/** A `fetch` for where the operator has named: see {@link mayReachInside}. */
export function toNamed(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => fetch(input, { ...init, [mayReachInside]: true } as GuardedInit);
}

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

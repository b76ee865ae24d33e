import { allowIssuerMismatch, allowPkceUnadvertised } from '../oauth/allowed.ts';
import { allowPrivateNetwork } from '../oauth/url-policy.ts';

/**
 * What an operator lets pass for one server, although it is less safe. Each is said by its symbol, or, in JSON, by the same
 * name. What it decides is logged, and it holds to the end: for whoever comes back, refreshes and revokes, in any process.
 */
export interface SecurityExceptions {
  /** Dangerous. Issuers, as the server names them, whose metadata may name another. */
  readonly allowIssuerMismatch?: readonly string[] | undefined;
  readonly [allowIssuerMismatch]?: readonly string[] | undefined;
  /** Dangerous. Endpoints of the authorization server may be in a private network, although the server itself is not. */
  readonly allowPrivateNetwork?: boolean | undefined;
  readonly [allowPrivateNetwork]?: boolean | undefined;
}

/** As {@link SecurityExceptions}, where a browser is sent. */
export interface BrowserSecurityExceptions extends SecurityExceptions {
  /** Dangerous. Goes on although the authorization server does not advertise PKCE with S256. */
  readonly allowPkceUnadvertised?: boolean | undefined;
  readonly [allowPkceUnadvertised]?: boolean | undefined;
}

/** The exceptions among options, each under its symbol, however it was spelt. */
export function exceptionsOf(options: BrowserSecurityExceptions): BrowserSecurityExceptions {
  return {
    [allowIssuerMismatch]: options[allowIssuerMismatch] ?? options.allowIssuerMismatch,
    [allowPkceUnadvertised]: options[allowPkceUnadvertised] ?? options.allowPkceUnadvertised,
    [allowPrivateNetwork]: options[allowPrivateNetwork] ?? options.allowPrivateNetwork,
  };
}

/** The same options, with every exception under its symbol. */
export function withExceptions<T extends BrowserSecurityExceptions>(options: T): T {
  return { ...options, ...exceptionsOf(options) };
}

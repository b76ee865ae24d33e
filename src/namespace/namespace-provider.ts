import type { Namespace } from './namespace.ts';

/** Who calls, as far as the host's own checks have established it. */
export interface Caller {
  /** The bearer token of the request, without its scheme. */
  readonly token?: string | undefined;
  /**
   * What the connection of the caller was made with, where a certificate was asked for: see `certificateThumbprint`. Never what
   * a header says that anybody can send.
   */
  readonly certificateThumbprint?: string | undefined;
  /** Claims that were verified already, by a gate in front. Never claims that were only decoded. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** Tells from a caller whose namespace they are in. */
export interface NamespaceProvider {
  /**
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_UNVERIFIED when the caller cannot be told for certain. There is no default to fall back to.
   */
  resolve(caller: Caller): Promise<Namespace>;
}

import { PosternError } from '../../core/postern-error.ts';
import {
  legacyVersions,
  offerOf,
  spokenVersions,
  type VersionNegotiation,
  type VersionOffer,
} from './version-offer.ts';
import { readVersionRefusal } from './version-refusal.ts';
import type { Wire } from './watched-transport.ts';

/** A server, and what was set for it. */
interface Versioned {
  readonly server: string;
  readonly config: { readonly protocolVersion?: string | undefined };
  readonly versionNegotiation: VersionNegotiation;
}

/** Which version is spoken with one server: as configured, or as it turned out. */
export class ProtocolVersions {
  readonly #server: string;
  /** The one version that the operator allows. */
  readonly #pinned: string | undefined;
  /** What is offered to a server of which nothing is known. */
  readonly #first: VersionOffer;
  #offer: VersionOffer;
  /** What was spoken with it last. */
  #spoken: string | undefined;

  constructor({ server, config, versionNegotiation: mode }: Versioned) {
    this.#server = server;
    this.#pinned = config.protocolVersion;
    this.#first = this.#pinned === undefined ? { mode } : offerOf([this.#pinned]);
    this.#offer = this.#first;
  }

  get offer(): VersionOffer {
    return this.#offer;
  }

  /**
   * What to offer instead, once, of a server that refused what was offered; `undefined` where nothing else would help.
   *
   * A server that says what it speaks is taken at its word. One that does not is offered what is likely.
   *
   * @throws {PosternError} ERR_POSTERN_CLIENT_VERSION_REFUSED when there is nothing else to offer.
   */
  insteadOf(error: unknown, wire: Wire | undefined): VersionOffer | undefined {
    const refusal = readVersionRefusal(error, wire, this.#offer, false);
    if (refusal === undefined) return undefined;
    const supported = refusal.kind === 'said' ? refusal.supported : [];
    const common = spokenVersions.filter((version) => supported.includes(version));
    const other = common.length > 0 ? offerOf(common) : supported.length > 0 ? undefined : this.#guess(wire);
    if (this.#pinned === undefined && other !== undefined) return other;
    if (refusal.kind === 'possible') return undefined;
    throw this.#refused(error, supported);
  }

  /** Why there is no connection to a server that was offered something else in vain. */
  reasonIn(
    tries: { readonly first: unknown; readonly second: unknown },
    wire: Wire | undefined,
    other: VersionOffer,
  ): unknown {
    const refusal = readVersionRefusal(tries.second, wire, other, other.isGuess !== true);
    if (refusal?.kind === 'said') return this.#refused(tries.second, refusal.supported);
    // Another version has changed nothing: it was not about that.
    return refusal === undefined ? tries.second : tries.first;
  }

  /** This is what the server speaks: the next connection begins with it. */
  settleOn(offer: VersionOffer, spoken: string | undefined): void {
    this.#offer = offer;
    this.#spoken = spoken;
  }

  /** What a server may speak that does not say: what it spoke before, else the newest of what it has not refused. */
  #guess(wire: Wire | undefined): VersionOffer | undefined {
    const { mode } = this.#first;
    if (typeof mode === 'object') return undefined;
    const refused = [wire?.offered, wire?.greeting?.protocolVersion];
    const left = legacyVersions.filter((version) => !refused.includes(version));
    const known = left.filter((version) => version === this.#spoken);
    // Where there was no handshake, it was the newest revision that was refused.
    const isOlder = wire?.offered === undefined;
    return { mode: isOlder ? 'legacy' : mode, legacy: [...new Set([...known, ...left])], isGuess: true };
  }

  #refused(cause: unknown, supportedVersions: readonly string[]): PosternError {
    const name = JSON.stringify(this.#server);
    const what =
      this.#pinned === undefined ? 'every version that we speak' : `the configured version ${this.#pinned}`;
    return new PosternError('ERR_POSTERN_CLIENT_VERSION_REFUSED', `the server ${name} refuses ${what}`, {
      cause,
      evidence: { ...(supportedVersions.length > 0 && { supportedVersions }) },
      hint:
        this.#pinned === undefined
          ? 'Set "protocolVersion" for it to one that both speak, if there is one; else one side has to be brought up to date.'
          : 'Take "protocolVersion" out of its configuration, or set it to one that it speaks.',
    });
  }
}

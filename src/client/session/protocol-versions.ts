import {
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  SUPPORTED_PROTOCOL_VERSIONS,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/client';
import { PosternError } from '../../core/postern-error.ts';
import { findInChain } from './find-in-chain.ts';
import type { Wire } from './watched-transport.ts';

/** The revision whose requests stand for themselves. */
const modern = '2026-07-28';

/** Every version that we speak, the newest first. */
export const spokenVersions: readonly string[] = [modern, ...SUPPORTED_PROTOCOL_VERSIONS];

/** `auto` speaks the newest revision where the server does, and an older one elsewhere. */
export type VersionNegotiation = 'auto' | 'legacy' | { readonly pin: string };

/** Which versions a connection is begun with. */
export interface VersionOffer {
  readonly mode: VersionNegotiation;
  /** Of the older ones. Default: all. */
  readonly legacy?: readonly string[] | undefined;
}

/** A server, and what was set for it. */
interface Versioned {
  readonly server: string;
  readonly config: { readonly protocolVersion?: string | undefined };
  readonly versionNegotiation: VersionNegotiation;
}

/** The most of a refusal that is looked at for names of versions. */
const maxText = 2_000;

/** Which version is spoken with one server: as configured, or as it turned out. */
export class ProtocolVersions {
  readonly #server: string;
  /** The one version that the operator allows. */
  readonly #pinned: string | undefined;
  #offer: VersionOffer;

  constructor({ server, config, versionNegotiation: mode }: Versioned) {
    this.#server = server;
    this.#pinned = config.protocolVersion;
    this.#offer = this.#pinned === undefined ? { mode } : offerOf([this.#pinned]);
  }

  get offer(): VersionOffer {
    return this.#offer;
  }

  /**
   * What to offer instead, once, of a server that refused what was offered; `undefined` where that is not why it failed.
   *
   * @throws {PosternError} ERR_POSTERN_CLIENT_VERSION_REFUSED when there is nothing else to offer.
   */
  insteadOf(error: unknown, wire: Wire | undefined, isLastTry: boolean): VersionOffer | undefined {
    const supported = supportedBy(error, wire, this.#offer, isLastTry);
    if (supported === undefined) return undefined;
    const common = spokenVersions.filter((version) => supported.includes(version));
    if (this.#pinned !== undefined || isLastTry || common.length === 0) throw this.#refused(error, supported);
    return offerOf(common);
  }

  /** This is what the server speaks: the next connection begins with it. */
  settleOn(offer: VersionOffer): void {
    this.#offer = offer;
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

function offerOf(versions: readonly string[]): VersionOffer {
  if (versions.includes(modern)) return { mode: { pin: modern } };
  return { mode: 'legacy', legacy: versions };
}

/**
 * What the server says it speaks, where it refused a version; empty where it does not say.
 *
 * @param isLastTry what was offered was already named by the server.
 */
function supportedBy(
  error: unknown,
  wire: Wire | undefined,
  offer: VersionOffer,
  isLastTry: boolean,
): readonly string[] | undefined {
  const unsupported = findInChain(error, (cause) =>
    UnsupportedProtocolVersionError.isInstance(cause) ? cause : undefined,
  );
  if (unsupported !== undefined) return unsupported.supported;
  const { protocolVersion, error: refusal } = wire?.greeting ?? {};
  const accepted = offer.legacy ?? SUPPORTED_PROTOCOL_VERSIONS;
  if (typeof protocolVersion === 'string' && !accepted.includes(protocolVersion))
    return namedIn(protocolVersion);
  // In words, a refusal names what it refuses, too.
  const namedBeside = (text: unknown): readonly string[] =>
    namedIn(text).filter(
      (version) => isLastTry || (version !== wire?.offered && version !== protocolVersion),
    );
  if (refusal !== undefined) {
    const named = listIn(refusal.data) ?? namedBeside(refusal.message);
    // Nothing else in the handshake's parameters is anybody's to refuse.
    return named.length > 0 || refusal.code === -32_602 ? named : undefined;
  }
  const http = findInChain(error, (cause) => (SdkHttpError.isInstance(cause) ? cause : undefined));
  if (http?.data.status === 400) {
    const named = namedBeside((http.data as { text?: unknown }).text);
    return named.length > 0 ? named : undefined;
  }
  const sdk = findInChain(error, (cause) => (SdkError.isInstance(cause) ? cause : undefined));
  const isPin = typeof offer.mode === 'object' && http === undefined && sdk?.cause === undefined;
  return isPin && sdk?.code === SdkErrorCode.EraNegotiationFailed ? [] : undefined;
}

/** The list of versions that comes with a refusal, by whatever name. */
function listIn(data: unknown): readonly string[] | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const list = Object.values(data).find((value) => Array.isArray(value)) as unknown[] | undefined;
  return list
    ?.filter((version) => typeof version === 'string' && /^[\w.-]{1,20}$/u.test(version))
    .slice(0, 20) as string[] | undefined;
}

/** Versions have a form of their own, wherever they are named. */
function namedIn(text: unknown): readonly string[] {
  if (typeof text !== 'string') return [];
  return [...new Set(text.slice(0, maxText).match(/\b20\d\d-\d\d-\d\d\b/gu))];
}

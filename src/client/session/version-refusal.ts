import { findInChain } from './find-in-chain.ts';
import { asSdk, sdkCodeIn } from './sdk.ts';
import { legacyVersions, type VersionOffer } from './version-offer.ts';
import type { Wire } from './watched-transport.ts';

/**
 * What a failed handshake, or the first request after it, says of versions.
 *
 * - `said`: a version is refused; `supported` is what the server says it speaks, empty where it does not say;
 * - `possible`: something is refused without a word that tells a version from anything else.
 */
export type VersionRefusal =
  | { readonly kind: 'said'; readonly supported: readonly string[] }
  | { readonly kind: 'possible' };

/** The most of a refusal that is looked at for names of versions. */
const maxText = 2_000;

/** Statuses that servers refuse a version with. Others are about who asks, what for, or when. */
const statuses: ReadonlySet<number> = new Set([400, 406, 412, 422, 426, 501, 505]);

/** Codes that leave nothing else to be refused: invalid parameters of a handshake, and the protocol's own for a version. */
const certain: ReadonlySet<number> = new Set([-32_602, -32_022]);

/** Of codes that servers make up for themselves, those that the protocol has given another meaning. */
const otherwise: ReadonlySet<number> = new Set([-32_002, -32_021, -32_042]);

/**
 * Reads it from types and codes; from text only the names of versions.
 *
 * @param isNamed what was offered was named by the server: then even that, where it stands in its words, is what it speaks.
 */
export function readVersionRefusal(
  error: unknown,
  wire: Wire | undefined,
  offer: VersionOffer,
  isNamed: boolean,
): VersionRefusal | undefined {
  const unsupported = findInChain(error, (cause) => asSdk('UnsupportedProtocolVersionError', cause));
  if (unsupported !== undefined) return said(unsupported.supported);
  const { protocolVersion, error: greeted } = wire?.greeting ?? {};
  const accepted = offer.legacy ?? legacyVersions;
  if (typeof protocolVersion === 'string' && !accepted.includes(protocolVersion))
    return said(namedIn(protocolVersion));
  // In words, a refusal names what it refuses, too.
  const namedBeside = (text: unknown): readonly string[] =>
    namedIn(text).filter((version) => isNamed || (version !== wire?.offered && version !== protocolVersion));
  const refusal = greeted ?? findInChain(error, (cause) => asSdk('ProtocolError', cause));
  if (refusal !== undefined) {
    const named = listIn(refusal.data) ?? namedBeside(refusal.message);
    if (named.length > 0 || (greeted !== undefined && certain.has(refusal.code))) return said(named);
    return mayMeanVersion(refusal.code, greeted !== undefined) ? { kind: 'possible' } : undefined;
  }
  const http = findInChain(error, (cause) => asSdk('SdkHttpError', cause));
  if (http !== undefined && statuses.has(http.data.status)) {
    const named = namedBeside((http.data as { text?: unknown }).text);
    return named.length > 0 ? said(named) : { kind: 'possible' };
  }
  const sdk = findInChain(error, (cause) => asSdk('SdkError', cause));
  const isPin = typeof offer.mode === 'object' && http === undefined && sdk?.cause === undefined;
  return isPin && sdkCodeIn(sdk) === 'EraNegotiationFailed' ? said([]) : undefined;
}

function said(supported: readonly string[]): VersionRefusal {
  return { kind: 'said', supported };
}

/** Whether an error without the name of a version can be about one. A server that has no such method speaks of no version. */
function mayMeanVersion(code: number, isGreeting: boolean): boolean {
  if (isGreeting) return code !== -32_601 && !otherwise.has(code);
  const isOwn = code <= -32_000 && code >= -32_099 && !otherwise.has(code);
  return isOwn || code === -32_600 || code === -32_602;
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

/** The revision whose requests stand for themselves. */
const modern = '2026-07-28';

/** Those before it that we speak, the newest first. */
export const legacyVersions: readonly string[] = [
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
];

/** Every version that we speak, the newest first. */
export const spokenVersions: readonly string[] = [modern, ...legacyVersions];

/** `auto` speaks the newest revision where the server does, and an older one elsewhere. */
export type VersionNegotiation = 'auto' | 'legacy' | { readonly pin: string };

/** Which versions a connection is begun with. */
export interface VersionOffer {
  readonly mode: VersionNegotiation;
  /** Of the older ones, the first is what is asked for. Default: all. */
  readonly legacy?: readonly string[] | undefined;
  /** The server has named none of it. */
  readonly isGuess?: boolean | undefined;
}

/** Of some versions, each of which would do. */
export function offerOf(versions: readonly string[]): VersionOffer {
  if (versions.includes(modern)) return { mode: { pin: modern } };
  return { mode: 'legacy', legacy: versions };
}

import { existsSync } from 'node:fs';

const peers = new URL('./peers/', import.meta.url);

/** What to say where a peer is left out. */
export const peersMissing =
  'The AI SDK client is not installed, and left out. To add it: npm --prefix bench/peers ci';

/** Whether the peers, which are not part of the main install, have been installed. */
export function arePeersInstalled(): boolean {
  return existsSync(new URL('node_modules', peers));
}

/** Loads a file that stands beside the peers, and so finds them. */
export function importBesidePeers(name: string): Promise<unknown> {
  return import(new URL(name, peers).href);
}

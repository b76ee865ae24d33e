/** What to say where a peer is left out. */
export const peersMissing =
  'The AI SDK client is not installed, and left out. To add it: npm --prefix bench/peers ci';

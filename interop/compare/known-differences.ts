/** What a hop changes, and why it has to. docs/bridge.md and docs/expose.md tell the same. */
export const knownDifferences: readonly {
  readonly label: RegExp;
  readonly about: RegExp;
  readonly reason: string;
}[] = [];

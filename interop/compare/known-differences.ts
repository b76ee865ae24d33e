/** What a hop changes, and why it has to. docs/bridge.md and docs/expose.md tell the same. */
export const knownDifferences: readonly {
  readonly label: RegExp;
  readonly about: RegExp;
  readonly reason: string;
}[] = [
  {
    label: /^everything, through expose$/u,
    about: /^tools\/call get-env$/u,
    reason: 'a child has no variables of the gateway but those that are named by --env',
  },
];

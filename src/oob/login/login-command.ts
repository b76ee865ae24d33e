/** What a login tool can be told to do. */
export const loginCommands = ['login', 'list', 'default', 'delete'] as const;

export type LoginCommand = (typeof loginCommands)[number];

/** Reads a command, whatever its case and the blanks around it; none at all is `login`. `undefined` when there is no such command. */
export function readCommand(given: string | undefined): LoginCommand | undefined {
  const name = (given ?? '').trim().toLowerCase();
  return name === '' ? 'login' : loginCommands.find((command) => command === name);
}

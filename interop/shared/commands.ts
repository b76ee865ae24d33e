/** Answers what the parent asks this process to do, by the name of the command. */
export function answerCommands(commands: Readonly<Record<string, (args: never) => unknown>>): void {
  process.on('message', (message: { id?: number; command?: string; args?: never }) => {
    if (typeof message.command !== 'string') return;
    void answer(commands[message.command], message.args as never).then(
      (value) => process.send?.({ id: message.id, value: value ?? null }),
      (error: unknown) => process.send?.({ id: message.id, error: describe(error) }),
    );
  });
}

async function answer(command: ((args: never) => unknown) | undefined, args: never): Promise<unknown> {
  if (command === undefined) throw new Error('this process has no such command');
  return command(args);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Says that this process can be used, and where. */
export function sayReady(ready: unknown): void {
  process.send?.({ ready });
}

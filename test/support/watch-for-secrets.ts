/**
 * Loaded before every test file: fails the test that lets a secret out.
 *
 * Looked at is all that a test prints, the argument lists of the processes it starts and what those print, what loggers
 * record, the pages that browsers see, and the errors it looks at. What fakes and the product say to each other is not.
 */
import { ChildProcess } from 'node:child_process';
import { format } from 'node:util';
import { afterAll, afterEach } from 'vitest';
import { keepOutputs, recordOutput, takeLeaks, watchFor } from './outputs.ts';

const watched = Symbol.for('postern.test.watched');

/** Calls `then` after each call of a method, with what it was given and returned. */
function follow<T extends object>(
  object: T,
  name: keyof T,
  then: (args: readonly unknown[], returned: unknown, self: unknown) => void,
): void {
  const method: unknown = object[name];
  if (typeof method !== 'function' || watched in method) return;
  const following = function followed(this: unknown, ...args: unknown[]): unknown {
    const returned: unknown = method.apply(this, args);
    then(args, returned, this);
    return returned;
  };
  object[name] = Object.assign(following, { [watched]: true }) as T[keyof T];
}

const textOf = (chunk: unknown): string =>
  typeof chunk === 'string'
    ? chunk
    : chunk instanceof Uint8Array
      ? Buffer.from(chunk).toString('latin1')
      : '';

function followStream(stream: object | null | undefined, where: string, name: 'write' | 'push'): void {
  if (stream)
    follow(stream as Record<typeof name, unknown>, name, ([chunk]) => recordOutput(where, textOf(chunk)));
}

keepOutputs();
followStream(process.stdout, 'standard output', 'write');
followStream(process.stderr, 'standard error', 'write');
for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir'] as const)
  follow(console, name, (args) => recordOutput('the console', `${format(...args)}\n`));

// Whatever starts a process comes through here.
follow(ChildProcess.prototype as ChildProcess & { spawn: unknown }, 'spawn', ([options], _, child) => {
  const { args = [] } = options as { args?: readonly string[] };
  recordOutput('an argument list', `${args.join(' ')}\n`);
  const { stdout, stderr } = child as ChildProcess;
  followStream(stdout, 'the output of a process', 'push');
  followStream(stderr, 'the errors of a process', 'push');
});

// The private half of a key is a secret from when it can be written down.
follow(SubtleCrypto.prototype, 'exportKey', (_args, exported) => {
  void (exported as Promise<unknown>).then(
    (key) => {
      if (typeof key === 'object' && key !== null && 'd' in key) watchFor(key.d);
    },
    () => {},
  );
});

afterEach(assertNoLeaks);
// What came after the last test, when what it had opened was closed.
afterAll(assertNoLeaks);

function assertNoLeaks(): void {
  const leaks = takeLeaks();
  if (leaks.length > 0) throw new Error(`a secret stands in ${leaks.join(', ')}`);
}

import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A server that asks nobody to sign in, in a process of its own. */
export async function startPlainServer(): Promise<AsyncDisposable & { readonly origin: string }> {
  const child = fork(new URL('./plain-server.ts', import.meta.url));
  const [{ origin }] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [
    { origin: string },
  ];
  return {
    origin,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

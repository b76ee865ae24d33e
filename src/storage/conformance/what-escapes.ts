/** What the kit needs of a `process`, where the runtime has one. */
interface ProcessEvents {
  listeners(event: string): ((...given: unknown[]) => void)[];
  removeAllListeners(event: string): unknown;
  on(event: string, listener: (...given: unknown[]) => void): unknown;
}

const events = ['uncaughtException', 'unhandledRejection'];
let watching: Promise<unknown> = Promise.resolve();

/**
 * How often `thrown` came out where nobody catches, while `body` ran: what would have ended the process.
 *
 * A driver calls listeners from timers and sockets, so no `try` of the kit is around it. Where the runtime has no
 * process events, nothing can be seen of it, and the answer is 0.
 */
export async function whatEscapes(thrown: unknown, body: () => Promise<void>): Promise<number> {
  const { process } = globalThis as { process?: ProcessEvents };
  if (typeof process?.listeners !== 'function') {
    await body();
    return 0;
  }
  // One at a time: each puts back the listeners that it found.
  const turn = watching.then(() => watch(process, thrown, body));
  watching = turn.catch(() => {});
  return turn;
}

async function watch(process: ProcessEvents, thrown: unknown, body: () => Promise<void>): Promise<number> {
  let escaped = 0;
  const earlier = events.map((event) => ({ event, listeners: process.listeners(event) }));
  for (const { event, listeners } of earlier) {
    process.removeAllListeners(event);
    process.on(event, (error, ...rest) => {
      if (error === thrown) escaped++;
      else for (const listener of listeners) listener(error, ...rest);
    });
  }
  try {
    await body();
    // An unhandled rejection is told of when the turn is over.
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    return escaped;
  } finally {
    for (const { event, listeners } of earlier) {
      process.removeAllListeners(event);
      for (const listener of listeners) process.on(event, listener);
    }
  }
}

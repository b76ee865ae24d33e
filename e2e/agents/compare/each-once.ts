import type { Ask } from './player.ts';

/** What is made once for each user in each conversation, and stays: a client, connected. */
export function eachOnce<T>(make: (ask: Ask) => Promise<T>): (ask: Ask) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (ask) => {
    const key = JSON.stringify([ask.user, ask.thread]);
    const found = made.get(key) ?? make(ask);
    made.set(key, found);
    return found;
  };
}

import type { SlackMessage, Workspace } from './workspace.ts';

/** Waits until something is found in a workspace. @throws {Error} when it is not within the time. */
export async function waitFor<T>(
  workspace: Workspace,
  what: string,
  find: () => T | undefined,
  timeoutMs = 15_000,
): Promise<T> {
  const first = find();
  if (first !== undefined) return first;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = workspace.watch(() => {
    const found = find();
    if (found !== undefined) resolve(found);
  });
  const timer = setTimeout(() => reject(new Error(`there was no ${what} within ${timeoutMs} ms`)), timeoutMs);
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}

/** The first address that a message leads to. */
export function linkIn({ text }: SlackMessage): string {
  const [, url = ''] = /<(https?:[^|>]+)[|>]/u.exec(text) ?? [];
  return url.replaceAll('&amp;', '&');
}

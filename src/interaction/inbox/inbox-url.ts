import type { Gate } from '../gates/gate.ts';

/** The page of all that waits for whoever opens it; `undefined` where nothing tells people apart. */
export function inboxUrlOf({ baseUrl, whoIs }: Gate): string | undefined {
  return whoIs === undefined ? undefined : `${baseUrl}/inbox`;
}

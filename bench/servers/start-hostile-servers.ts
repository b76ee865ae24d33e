import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What a server can do to whoever asks it. */
export const hostileKinds = [
  'says nothing',
  'sends its headers letter by letter',
  'sends its body letter by letter',
  'never ends its body',
  'cuts its body off',
  'says less than it sends',
  'says two lengths',
  'lies about its encoding',
  'unfolds to a thousand times as much',
  'sends millions of objects',
  'nests millions deep',
  'sends a hundred thousand events',
  'sends one event without an end',
  'has its stream taken up again at once',
  'redirects for ever',
  'sends chunks of one letter',
  'sends more trailers than are read',
  'says a hundred thousand times to wait',
  'asks to be left alone for ages',
  'hangs up as the next request comes',
] as const;

export type HostileKind = (typeof hostileKinds)[number];

export interface HostileServer {
  readonly kind: HostileKind;
  /** It is its authorization server that is no good: it is what the server names in its challenge. */
  readonly asIssuer: boolean;
  readonly url: string;
}

export interface HostileServers extends AsyncDisposable {
  readonly servers: readonly HostileServer[];
}

/** Starts them in a process of their own, so that their work is not counted as the client's. */
export async function startHostileServers(count: number): Promise<HostileServers> {
  const child = fork(new URL('./hostile-servers.ts', import.meta.url), [String(count)]);
  const [servers] = (await once(child, 'message', { signal: AbortSignal.timeout(60_000) })) as [
    HostileServer[],
  ];
  return {
    servers,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

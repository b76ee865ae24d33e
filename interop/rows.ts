import { fileURLToPath } from 'node:url';
import type { Findings } from './columns.ts';
import { tellAuthorizationStory, type AuthorizationPeer } from './stories/authorization-story.ts';

/** One peer in one way of use: a line of the table. */
export interface Row {
  /** Unique, and what `known.json` names it by. */
  readonly name: string;
  readonly part: Part;
  /** The folder below `peers/`, with a lock file of its own unless it needs nothing but the development dependencies. */
  readonly folder: string;
  /** Whether it belongs to the short cut. */
  readonly short: boolean;
  readonly run: () => Promise<Findings>;
}

export const parts = {
  authorization: 'Authorization servers, met by an agent',
  server: 'Servers without a login, met by an agent',
  client: 'Clients of a server that asks its person for a secret',
} as const;
export type Part = keyof typeof parts;

export function peerPath(folder: string, file = ''): string {
  return fileURLToPath(new URL(`peers/${folder}/${file}`, import.meta.url));
}

type About<Peer> = Omit<Peer, 'script' | 'cwd'> & {
  readonly folder: string;
  readonly script: string;
  readonly short?: boolean;
};

function authorization(name: string, about: About<AuthorizationPeer>): Row {
  const { folder, script, short = false, ...peer } = about;
  return {
    name,
    part: 'authorization',
    folder,
    short,
    run: () => tellAuthorizationStory({ ...peer, cwd: peerPath(folder), script: peerPath(folder, script) }),
  };
}

/** Every line of the table, in its order. */
export const rows: readonly Row[] = [
  authorization('SDK v1 router, rotating refresh tokens', { folder: 'sdk-v1', script: 'router.mjs' }),
  authorization('SDK v1 router, legacy SSE', { folder: 'sdk-v1', script: 'router.mjs', args: ['sse'] }),
  authorization('SDK v1 demo provider, no refresh tokens', { folder: 'sdk-v1', script: 'demo-provider.mjs' }),
  authorization('oidc-provider', { folder: 'oidc-provider', script: 'serve.mjs', short: true }),
  authorization('better-auth with oauth-provider', { folder: 'better-auth', script: 'serve.mjs' }),
  authorization('SDK v2 server-legacy router', { folder: 'sdk-v2-legacy', script: 'router.mjs' }),
];

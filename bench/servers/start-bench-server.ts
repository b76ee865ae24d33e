import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What the server has seen since it started. */
export interface AuthorizationCounts {
  readonly authorizations: number;
  readonly refreshes: number;
  /** Refreshes with a token that had been redeemed before: each revokes its family. */
  readonly reuses: number;
  readonly revokedFamilies: number;
  /** Codes presented at the token endpoint that this server never issued. */
  readonly foreignCodes: number;
}

/** A bench server in a process of its own, so that its work is not counted as the client's. */
export interface BenchServer extends AsyncDisposable {
  readonly origin: string;
  /** Wants a live access token. */
  readonly mcpUrl: string;
  counts(): Promise<AuthorizationCounts>;
  /** Ends every access token, as a server may at any time. */
  expireAccessTokens(): Promise<void>;
  /** A grant without a browser. */
  issueGrant(): Promise<{ access_token: string; refresh_token: string }>;
}

/** @param options `tokenDelayMs` is how long every token request takes. */
export async function startBenchServer(options: { tokenDelayMs?: number } = {}): Promise<BenchServer> {
  const child = fork(new URL('./bench-server.ts', import.meta.url), [String(options.tokenDelayMs ?? 0)]);
  const [{ origin }] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [
    { origin: string },
  ];
  const control = async (what: string): Promise<unknown> => (await fetch(`${origin}/control/${what}`)).json();
  return {
    origin,
    mcpUrl: `${origin}/mcp`,
    counts: async () => (await control('counts')) as AuthorizationCounts,
    expireAccessTokens: async () => void (await control('expire')),
    issueGrant: async () => (await control('grant')) as { access_token: string; refresh_token: string },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

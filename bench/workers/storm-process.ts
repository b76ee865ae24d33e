import { openLocalStorage } from '../../src/storage/local.ts';
import { resumeSdk, SdkProvider } from '../clients/bare-sdk.ts';
import type { LoggedInClient } from '../clients/logged-in-client.ts';
import { resumePostern } from '../clients/postern.ts';

/** One process of a refresh storm: connects, says so, and makes its calls at once whenever it is told to. */
export interface StormJob {
  readonly make: 'postern' | 'sdk';
  readonly mcpUrl: string;
  /** A directory for Postern, a file for the SDK. */
  readonly store: string;
  readonly calls: number;
}

export interface StormReport {
  readonly successes: number;
  /** As of {@link LoggedInClient.loginsAsked}. */
  readonly logins: readonly string[];
}

const job = JSON.parse(process.argv[2] ?? '{}') as StormJob;
setTimeout(() => process.exit(1), 120_000).unref();
console.warn = () => {};

const { client, close } = await open();
await client.call();
process.send?.({ ready: true });
process.on('message', (message) => void work((message as { calls?: number }).calls ?? job.calls));
process.on('disconnect', () => void close().finally(() => process.exit(0)));

async function open(): Promise<{ client: LoggedInClient; close: () => Promise<void> }> {
  if (job.make === 'sdk') {
    const sdk = await resumeSdk(job.mcpUrl, new SdkProvider(job.store));
    return { client: sdk, close: async () => sdk[Symbol.asyncDispose]() };
  }
  const storage = openLocalStorage(job.store);
  const postern = await resumePostern(job.mcpUrl, storage);
  return {
    client: postern,
    close: async () => {
      await postern[Symbol.asyncDispose]();
      await storage.close();
    },
  };
}

async function work(calls: number): Promise<void> {
  const results = await Promise.allSettled(Array.from({ length: calls }, () => client.call()));
  const report: StormReport = {
    successes: results.filter(({ status }) => status === 'fulfilled').length,
    logins: client.loginsAsked(),
  };
  process.send?.(report);
}

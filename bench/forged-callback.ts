import { MemoryBackend } from '../src/storage/memory-backend.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { AiSdkProvider, loadAiSdk, resumeAiSdk, type AiSdk } from './clients/ai-sdk.ts';
import { resumeSdk, SdkProvider, startSdkLogin } from './clients/bare-sdk.ts';
import { Browser } from './clients/browser.ts';
import { callEcho, goToCallback, openPostern } from './clients/postern.ts';
import { OneCallback, RepeatedCallbacks, type CallbackTaker } from './host-callbacks.ts';
import { peersMissing } from './peers.ts';
import { startBenchServer } from './servers/start-bench-server.ts';
import { withoutWarnings } from './without-warnings.ts';

/** A login that has reached the point where its person is sent back. */
interface StartedLogin {
  /** The genuine callback, not yet sent. */
  readonly genuine: URL;
  /** Delivers a callback, from the person's own browser or from another. */
  deliver(callback: URL, from: 'own' | 'other'): Promise<unknown>;
  /** Uses the server as whoever is logged in. Rejects when nobody is. */
  use(): Promise<unknown>;
  close(): Promise<void>;
}

interface Client {
  readonly label: string;
  /** What the application around the client has to do itself. */
  readonly host: string;
  start(mcpUrl: string): Promise<StartedLogin>;
}

const forgeries = ['no state', 'wrong state', 'right state, another browser'] as const;

/** Somebody else's callback arrives while a person is logging in. */
export const forgedCallback: Bench = { name: 'forged-callback', run };

async function run(options: BenchOptions): Promise<BenchResult> {
  const rows: string[][] = [];
  const ai = options.peers ? aiSdkClients(await loadAiSdk()) : [];
  for (const client of [postern, ...sdkClients, ...ai]) {
    for (const forgery of forgeries) {
      options.progress(`forged-callback: ${client.label}, ${forgery}`);
      const { accepted, survived } = await withoutWarnings(() => attack(client, forgery));
      rows.push([client.label, client.host, forgery, accepted ? 'yes' : 'no', survived ? 'yes' : 'no']);
    }
  }
  return {
    title: 'a forged callback during a login, then the genuine one',
    figures: [],
    table: {
      columns: [
        'client',
        'done by the host',
        'forged callback with',
        'forged code redeemed?',
        'login survived?',
      ],
      rows,
    },
    notes: [
      'Redeemed: the client sent the forged code to the token endpoint. It failed there, since the server never issued it.',
      'Survived: the genuine callback, sent afterwards, ended in a working client without another login.',
      ...(options.peers ? [] : [peersMissing]),
    ],
  };
}

async function attack(
  client: Client,
  forgery: (typeof forgeries)[number],
): Promise<{ accepted: boolean; survived: boolean }> {
  await using server = await startBenchServer();
  const login = await client.start(server.mcpUrl);
  const forged = new URL(login.genuine);
  forged.searchParams.set('code', 'forged');
  if (forgery === 'no state') forged.searchParams.delete('state');
  if (forgery === 'wrong state') forged.searchParams.set('state', 'forged');
  await login.deliver(forged, 'other').catch(() => {});
  const { foreignCodes } = await server.counts();
  await login.deliver(login.genuine, 'own').catch(() => {});
  const survived = await login.use().then(
    () => true,
    () => false,
  );
  const { authorizations } = await server.counts();
  await login.close();
  return { accepted: foreignCodes > 0, survived: survived && authorizations === 1 };
}

const postern: Client = {
  label: 'Postern',
  host: 'mounts coordinator.fetch',
  async start(mcpUrl) {
    const { manager, coordinator, client } = await openPostern(mcpUrl, new MemoryBackend());
    const own = new Browser();
    return {
      genuine: await goToCallback(client, coordinator, own),
      deliver: (callback, from) => (from === 'own' ? own : new Browser()).open(callback, coordinator.fetch),
      use: () => callEcho(client),
      close: () => manager.close(),
    };
  },
};

const sdkClients: readonly Client[] = [
  {
    label: 'bare SDK client',
    host: 'as its guide: waits once, compares the state',
    start: (mcpUrl) => startSdk(mcpUrl, (finish) => new OneCallback(finish)),
  },
  {
    label: 'bare SDK client',
    host: 'compares the state, and waits on after a mismatch or failure',
    start: (mcpUrl) => startSdk(mcpUrl, (finish) => new RepeatedCallbacks(finish)),
  },
];

type Finish = (params: URLSearchParams) => Promise<unknown>;

async function startSdk(mcpUrl: string, takerOf: (finish: Finish) => CallbackTaker): Promise<StartedLogin> {
  const provider = new SdkProvider();
  const transport = await startSdkLogin(mcpUrl, provider);
  const taker = takerOf(async (params) => {
    // The SDK leaves this to the host.
    if (params.get('state') !== provider.lastState) throw new Error('the state is not ours');
    await transport.finishAuth(params);
  });
  return {
    genuine: await new Browser().consent(provider.authorizationUrl ?? ''),
    deliver: (callback) => taker.take(callback.searchParams),
    use: async () => {
      await using client = await resumeSdk(mcpUrl, provider);
      await client.call();
    },
    close: () => transport.close(),
  };
}

function aiSdkClients(ai: AiSdk): readonly Client[] {
  return [
    {
      label: 'AI SDK client',
      host: 'as its example: waits once, keeps no state',
      start: (mcpUrl) => startAiSdk(ai, mcpUrl, { keepsState: false }, (finish) => new OneCallback(finish)),
    },
    {
      label: 'AI SDK client',
      host: 'stores the state and passes it on, and waits on after a failure',
      start: (mcpUrl) =>
        startAiSdk(ai, mcpUrl, { keepsState: true }, (finish) => new RepeatedCallbacks(finish)),
    },
  ];
}

async function startAiSdk(
  ai: AiSdk,
  mcpUrl: string,
  { keepsState }: { keepsState: boolean },
  takerOf: (finish: Finish) => CallbackTaker,
): Promise<StartedLogin> {
  const provider = new AiSdkProvider({ keepsState });
  await ai.auth(provider, { serverUrl: mcpUrl });
  const taker = takerOf(async (params) =>
    ai.auth(provider, {
      serverUrl: mcpUrl,
      authorizationCode: params.get('code') ?? '',
      ...(keepsState && { callbackState: params.get('state') ?? '' }),
    }),
  );
  return {
    genuine: await new Browser().consent(provider.authorizationUrl ?? ''),
    deliver: (callback) => taker.take(callback.searchParams),
    use: async () => {
      await using client = await resumeAiSdk(ai, mcpUrl, provider);
      await client.call();
    },
    close: () => Promise.resolve(),
  };
}

import { builtinModules } from 'node:module';
import { gzipSync } from 'node:zlib';
import { Miniflare } from 'miniflare';
import { rolldown } from 'rolldown';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCookieBrowser } from '../../demo/browser.ts';
import { openWorld } from '../../examples/serverless/start-serverless.ts';
import { tellStory } from '../../examples/serverless/story-of-three.ts';
import { Story } from '../../examples/protected-server/story.ts';
import { generateKeyText } from '../../src/index.ts';
import { d1Schema } from '../../src/storage/d1/index.ts';
import { bundle, bundleText, forWorkers } from './packed.ts';
import { sizes } from './sizes.ts';

const compatibilityDate = '2026-07-01';

/** Built-ins of Node that a bundle names. */
function builtInsOf(text: string): string[] {
  const named = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["']([^"'\s]+)["']/gu);
  return [...named]
    .map(([, specifier = '']) => specifier)
    .filter((specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier));
}

describe('what a Worker bundles', () => {
  test.each(Object.entries(sizes))(
    'of %s has no built-in of Node, and is no larger than it was',
    async (entry, [minifiedBefore, compressedBefore]) => {
      const text = await bundleText(`export * from '${entry}';`, { ...forWorkers, minify: true });
      expect(builtInsOf(text)).toEqual([]);
      const minified = Buffer.byteLength(text);
      const compressed = gzipSync(text, { level: 9 }).length;
      process.stderr.write(`${entry}: ${minified} bytes minified, ${compressed} compressed\n`);
      expect(minified).toBeLessThan(1.1 * minifiedBefore);
      expect(compressed).toBeLessThan(1.1 * compressedBefore);
    },
  );

  test.each([
    'postern',
    'postern/kernel',
    'postern/agents',
    'postern/storage/dynamodb',
    'postern/storage/conformance',
  ])('of %s has no built-in of Node', async (entry) => {
    const external = ['@aws-sdk/client-dynamodb'];
    const text = await bundleText(`export * from '${entry}';`, { ...forWorkers, external });
    expect(builtInsOf(text)).toEqual([]);
  });

  test('has none with another bundler either', async () => {
    const built = await rolldown({
      input: 'worker',
      platform: 'browser',
      resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import', 'default'] },
      plugins: [
        {
          name: 'worker',
          resolveId: (id) => (id === 'worker' ? new URL('worker.js', import.meta.url).pathname : null),
          load: (id) => (id.endsWith('/runtimes/worker.js') ? "export * from 'postern/client';" : null),
        },
      ],
    });
    const { output } = await built.generate({ format: 'esm' });
    const text = output.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n');
    expect(text.includes('ClientManager')).toBe(true);
    expect(builtInsOf(text)).toEqual([]);
  });

  test('would be seen to have one', () => {
    expect(builtInsOf('import{a}from"node:fs";require("path");await import("child_process")')).toHaveLength(
      3,
    );
  });
});

describe.each([
  ['without any flag', []],
  ['with nodejs_compat', ['nodejs_compat']],
] as const)('workerd %s', (_name, compatibilityFlags) => {
  test('asks, comes back and answers in three isolates that share a database', async () => {
    const { outputFiles } = await bundle('examples/serverless/worker.ts', forWorkers);
    const world = await openWorld();
    onTestFinished(() => world[Symbol.asyncDispose]());
    const { origin, issuer, calendarUrl, chatUrl } = world.settings;
    const workers = ['ask', 'callback', 'timer'].map((name) => ({
      name,
      modules: [{ type: 'ESModule' as const, path: `${name}.mjs`, contents: outputFiles[0]!.text }],
      compatibilityDate,
      compatibilityFlags: [...compatibilityFlags],
      d1Databases: { DB: 'shared' },
      bindings: {
        POSTERN_KEYS: generatedKeys,
        ORIGIN: origin,
        ISSUER: issuer,
        CALENDAR_URL: calendarUrl,
        CHAT_URL: chatUrl,
      },
    }));
    const miniflare = new Miniflare({ workers });
    onTestFinished(() => miniflare.dispose());
    // By its types, these are not there.
    const workerOf = async (name: string): Promise<RunningWorker> =>
      (await miniflare.getWorker(name)) as unknown as RunningWorker;
    const database = await miniflare.getD1Database('DB', 'ask');
    await database.batch(d1Schema.map((sql) => database.prepare(sql)));

    world.listener.serve(async (request) => {
      const { pathname, search } = new URL(request.url);
      const worker = await workerOf(pathname === '/ask' ? 'ask' : 'callback');
      const { status, headers, body } = await passOn(worker, request, origin + pathname + search);
      return new Response(status === 303 || status === 302 ? null : body, { status, headers });
    });
    const tick = async (): Promise<number> => {
      const before = world.messages.length;
      const timer = await workerOf('timer');
      const { outcome } = await timer.scheduled();
      expect(outcome).toBe('ok');
      return world.messages.length - before;
    };
    await tellStory(new Story(), createCookieBrowser(), { ...world, tick });
  });
});

const generatedKeys = generateKeyText();

interface RunningWorker {
  fetch(
    url: string,
    init: object,
  ): Promise<{ status: number; headers: Iterable<[string, string]>; text(): Promise<string> }>;
  scheduled(): Promise<{ readonly outcome: string }>;
}

/** A request of this process's `fetch`, sent by that of the runtime. */
async function passOn(
  worker: RunningWorker,
  request: Request,
  url: string,
): Promise<{ status: number; headers: [string, string][]; body: string }> {
  const body = request.method === 'GET' ? undefined : await request.text();
  const response = await worker.fetch(url, {
    method: request.method,
    headers: [...request.headers],
    redirect: 'manual',
    ...(body !== undefined && { body }),
  });
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

test('the first request of a new isolate waits less than two seconds longer than that of an empty Worker, however busy the machine', async () => {
  const { outputFiles } = await bundle('examples/serverless/worker.ts', { ...forWorkers, minify: true });
  const empty = 'export default { fetch: () => new Response("there") };';
  const measured = { ours: [] as number[], empty: [] as number[], warm: [] as number[] };
  for (let round = 0; round < 5; round++) {
    for (const kind of ['ours', 'empty'] as const) {
      const miniflare = new Miniflare({
        modules: [
          { type: 'ESModule', path: 'w.mjs', contents: kind === 'ours' ? outputFiles[0]!.text : empty },
        ],
        compatibilityDate,
        d1Databases: ['DB'],
        bindings: {
          POSTERN_KEYS: generatedKeys,
          ORIGIN: 'https://agent.example',
          ISSUER: 'https://issuer.example',
          CALENDAR_URL: 'https://calendar.example/mcp',
          CHAT_URL: 'https://chat.example',
        },
      });
      try {
        await miniflare.ready;
        const began = performance.now();
        await (await miniflare.dispatchFetch('https://agent.example/ask', { method: 'POST' })).text();
        measured[kind].push(performance.now() - began);
        if (kind === 'empty') continue;
        const again = performance.now();
        await (await miniflare.dispatchFetch('https://agent.example/ask', { method: 'POST' })).text();
        measured.warm.push(performance.now() - again);
      } finally {
        await miniflare.dispose();
      }
    }
  }
  const median = (figures: number[]): number => figures.toSorted((a, b) => a - b)[2]!;
  const [ours, nothing, warm] = [median(measured.ours), median(measured.empty), median(measured.warm)];
  process.stderr.write(
    `first request of a new isolate: ${ours.toFixed(1)} ms, of an empty Worker ${nothing.toFixed(1)} ms, second request ${warm.toFixed(1)} ms\n`,
  );
  expect(ours - nothing).toBeLessThan(2_000);
});

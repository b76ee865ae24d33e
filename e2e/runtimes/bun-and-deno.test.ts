import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCookieBrowser } from '../../demo/browser.ts';
import { forward } from '../../demo/forward.ts';
import { Story } from '../../examples/protected-server/story.ts';
import { openWorld } from '../../examples/serverless/start-serverless.ts';
import { tellStory } from '../../examples/serverless/story-of-three.ts';
import { generateKeyText } from '../../src/index.ts';
import { bundle } from './packed.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The programs as their packages bring them, and what each needs to run a file without looking for anything elsewhere. */
const runtimes = {
  bun: [here('node_modules/@oven/bun-linux-x64/bin/bun'), 'run', '--no-install'],
  deno: [
    here('node_modules/@deno/linux-x64-glibc/deno'),
    'run',
    '-A',
    '--cached-only',
    '--node-modules-dir=manual',
  ],
} as const;

describe.each(Object.entries(runtimes))('%s', (name, [program, ...options]) => {
  test('serves pages, signs somebody in, calls a tool and keeps it in SQLite, with the package as it is packed', async () => {
    const { outputFiles } = await bundle('e2e/runtimes/function-server.ts', {
      platform: 'node',
      external: ['postern'],
    });
    // Where a user's file would be: the package is found from there.
    const folder = here('node_modules/.bundles');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, outputFiles[0]!.text);
    const directory = mkdtempSync(join(tmpdir(), 'postern-runtime-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));

    const world = await openWorld();
    onTestFinished(() => world[Symbol.asyncDispose]());
    const given = { settings: world.settings, file: join(directory, 'store.db'), keys: generateKeyText() };
    const child = spawn(program, [...options, file, JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { port, runtime } = JSON.parse(line) as { port: number; runtime: string };
    expect(runtime).toBe(name);

    world.listener.serve((request) => forward(request, port));
    const tick = async (): Promise<number> =>
      Number(await (await fetch(`http://127.0.0.1:${port}/tick`)).text());
    await tellStory(new Story(), createCookieBrowser(), { ...world, tick });
    expect(readdirSync(directory)).toContain('store.db');
  });
});

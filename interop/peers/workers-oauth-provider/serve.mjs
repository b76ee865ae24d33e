// Cloudflare's workers-oauth-provider in workerd, under miniflare, with its KV store on disk.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { answerCommands, sayReady } from '../../shared/commands.ts';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('worker.mjs', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  conditions: ['workerd', 'worker', 'browser'],
  external: ['cloudflare:*', 'node:*'],
});

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: Number(port),
  modules: [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0].text }],
  compatibilityDate: '2026-06-01',
  compatibilityFlags: ['nodejs_compat'],
  kvNamespaces: ['OAUTH_KV'],
  kvPersist: directory,
  bindings: { ORIGIN: origin },
  serviceBindings: { CLOCK: () => new Response(String(Date.now())) },
  cf: false,
});
await miniflare.ready;
sayReady({ url: `${origin}/mcp`, lifetimeSeconds: 300 });
answerCommands({
  async revoke() {
    const answer = await fetch(`${origin}/control/revoke`);
    if (!answer.ok || (await answer.text()) === '0') throw new Error('there was no grant to revoke');
  },
});

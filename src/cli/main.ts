#!/usr/bin/env node
// Loads nothing but `node:` modules before it knows that this Node is new enough: all the rest may not even parse.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;

/** Whether the running Node is at least the one that `engines` names, such as `>=22.13`. */
function isNewEnough(): boolean {
  const numbers = (text: string): number[] => (text.match(/\d+/gu) ?? []).map(Number);
  const [major = 0, minor = 0] = numbers(process.versions.node);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(manifest.engines.node);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/**
 * Keeps what was compiled, for the user alone: code that somebody else could write there would be run.
 * What cannot be kept is compiled anew.
 */
function keepCompiled(): void {
  const { env, platform } = process;
  const home = homedir();
  const base =
    platform === 'win32'
      ? (env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Caches')
        : (env['XDG_CACHE_HOME'] ?? join(home, '.cache'));
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  enableCompileCache?.(env['NODE_COMPILE_CACHE'] ?? join(base, 'postern', 'compiled'));
}

/** Node 22 warns of SQLite, which the store is made of; whoever types a command can do nothing about it. */
function leaveOutSqliteWarning(): void {
  const shown = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning' && warning.message.startsWith('SQLite')) return;
    for (const show of shown) show(warning);
  });
}

/** What cannot be said, since nobody reads it or the disk is full, ends no work; that an answer was lost is told by the code. */
function outliveOutputs(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exitCode = 1;
  });
}

if (isNewEnough()) {
  keepCompiled();
  leaveOutSqliteWarning();
  outliveOutputs();
  const { runProgram } = await import('./program.ts');
  await runProgram(process.argv.slice(2), manifest.version);
} else {
  process.stderr.write(
    `postern needs Node ${manifest.engines.node.replace('>=', '')} or newer, and this is Node ${process.versions.node}.\n` +
      'Install a newer one from https://nodejs.org, or run it by `npx --package=node@24 --package=postern postern`.\n',
  );
  process.exitCode = 2;
}

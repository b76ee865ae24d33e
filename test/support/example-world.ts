import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { expect, onTestFinished } from 'vitest';
import { createLineLogger } from '../../examples/protected-server/line-logger.ts';
import {
  connectScriptedClient,
  obtainAccessToken,
  type ScriptedClient,
  type ScriptedClientOptions,
} from '../../examples/protected-server/scripted-client.ts';
import type { Logger } from '../../src/core/logger.ts';

/** An example's server, its users' clients, and everything that could be seen of them. */
export interface ExampleWorld<Example> {
  readonly example: Example;
  readonly directory: string;
  readonly log: readonly string[];
  /** What every client of this test has sent and received. */
  traffic(): string[];
  connect(user: string, options?: Partial<ScriptedClientOptions>): Promise<ScriptedClient>;
}

export async function openExampleWorld<Example extends AsyncDisposable & { readonly url: string }>(
  start: (options: { directory: string; logger: Logger }) => Promise<Example>,
): Promise<ExampleWorld<Example>> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-example-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const log: string[] = [];
  const example = await start({ directory, logger: createLineLogger((line) => log.push(line)) });
  onTestFinished(() => example[Symbol.asyncDispose]());
  const clients: ScriptedClient[] = [];
  return {
    example,
    directory,
    log,
    traffic: () => clients.flatMap(({ traffic }) => traffic),
    async connect(user, more = {}) {
      const token = await obtainAccessToken(example.url, user);
      const client = await connectScriptedClient({ url: example.url, token, ...more });
      onTestFinished(() => client[Symbol.asyncDispose]());
      clients.push(client);
      return client;
    },
  };
}

/** The link in a result that could not be given yet. */
export function linkIn({ structuredContent, isError }: CallToolResult): string {
  expect(isError).toBe(true);
  return (structuredContent as { pending: { url: string } }).pending.url;
}

/** What an example prints when it checks itself. Rejects when it ends with anything but 0. */
export async function selfCheck(name: string, timeoutMs = 30_000): Promise<string> {
  const program = new URL(`../../examples/${name}/main.ts`, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', program, '--self-check'], {
    timeout: timeoutMs,
  });
  return stdout;
}

/* oxlint-disable vitest/expect-expect -- each must fail without */
/** Tests that let a secret out, each by another way: every one of them must fail. Run by watch.test.ts alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'vitest';
import { PosternError } from '../../src/core/postern-error.ts';
import { generateDpopKey } from '../../src/oauth/dpop.ts';
import { canary } from '../support/canaries.ts';
import { openPageHost } from '../support/page-host.ts';
import { watchFor } from '../support/outputs.ts';
import { createRecordingLogger } from '../support/recording-logger.ts';
import { failureOf } from '../support/stage.ts';

const secret = canary('leaked');
const base64 = Buffer.from(secret).toString('base64');
const printing = (stream: string): string => `process.${stream}.write(atob('${btoa(base64)}'))`;

test('leaks to the console', () => {
  console.log({ token: secret });
});

test('leaks to standard error', () => {
  process.stderr.write(`${Buffer.from(secret).toString('hex')}\n`);
});

test('leaks to standard output, in two pieces', () => {
  process.stdout.write(secret.slice(0, 5));
  process.stdout.write(secret.slice(5));
});

test('leaks to a log', () => {
  createRecordingLogger().info('a token', { token: secret.slice(0, 9) });
});

test('leaks in the message of an error', async () => {
  await failureOf(Promise.reject(new PosternError('ERR_POSTERN_PENDING_FAILED', `no ${secret}`)));
});

test('leaks in the cause of an error', async () => {
  const cause = new PosternError('ERR_POSTERN_PENDING_FAILED', 'no', { cause: new Error(base64) });
  await failureOf(Promise.reject(cause));
});

test('leaks on a page', async () => {
  const host = await openPageHost();
  host.handlers.push(async () => new Response(`<p>${secret}</p>`));
  await (await host.openBrowser()).open(`${host.publicUrl}/x`);
  await host.close();
});

test('leaks in an argument list', async () => {
  await once(spawn(process.execPath, ['-e', '', secret]), 'exit');
});

test.each(['stdout', 'stderr'])('leaks to the %s of a process', async (stream) => {
  await once(spawn(process.execPath, ['-e', printing(stream)]), 'close');
});

test('leaks a verifier', () => {
  watchFor('qH3yT0b9kJ2mN5pR8sV1xZ4cF7gK0lQe');
  createRecordingLogger().info('qH3yT0b9');
});

test('leaks the private half of a key', async () => {
  const { d } = await generateDpopKey();
  createRecordingLogger().info(String(d));
});

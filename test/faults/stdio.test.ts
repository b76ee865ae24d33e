import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Client, explain } from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { codeOf, failureOf, textOf } from '../support/stage.ts';

const script = fileURLToPath(new URL('../support/stdio-server.ts', import.meta.url));

function openClient(behaviour = 'well', env: Record<string, string> = {}): Client {
  const args = ['--disable-warning=ExperimentalWarning', script, behaviour];
  const client = new Client(
    { child: { command: process.execPath, args, env } },
    { connectTimeoutMs: 30_000 },
  );
  onTestFinished(() => client.close());
  return client;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidOf = async (client: Client): Promise<number> => Number(textOf(await client.callTool('pid')));

test('a child process is started once for many calls, and ended by a disconnect', async () => {
  const client = openClient();
  const [pid, ...others] = await Promise.all([pidOf(client), pidOf(client), pidOf(client)]);
  expect(others).toEqual([pid, pid]);
  expect(isAlive(pid)).toBe(true);
  await client.disconnect();
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5_000 });
});

test('a child process sees what it is given and nothing of our own secrets', async () => {
  process.env['POSTERN_TEST_CANARY'] = 'CANARY-env';
  onTestFinished(() => void delete process.env['POSTERN_TEST_CANARY']);
  const client = openClient('well', { GIVEN: 'yes' });
  expect(textOf(await client.callTool('environment', { name: 'POSTERN_TEST_CANARY' }))).toBe('unset');
  expect(textOf(await client.callTool('environment', { name: 'GIVEN' }))).toBe('yes');
});

test('a child process that dies in the midst of a call fails that call, and the next one starts another', async () => {
  const client = openClient();
  const first = await pidOf(client);
  expect(await codeOf(client.callTool('exit'))).toBe('ERR_POSTERN_CLIENT_CONNECTION_FAILED');
  expect(client.session('child').status).toBe('CONNECTION_FAILED');
  expect(await pidOf(client)).not.toBe(first);
});

test('a child process that is killed between calls is noticed', async () => {
  const client = openClient();
  process.kill(await pidOf(client), 'SIGKILL');
  await vi.waitFor(() => expect(client.session('child').status).toBe('CONNECTION_FAILED'), {
    timeout: 5_000,
  });
  expect(await pidOf(client)).toBeGreaterThan(0);
});

test('what a child process prints beside the protocol does no harm', async () => {
  expect(await pidOf(openClient('chatters'))).toBeGreaterThan(0);
});

test('a child process that ends at once is a broken connection', async () => {
  const client = openClient('dies');
  await client.connect();
  const { status, error } = client.session('child');
  expect([status, error?.code]).toEqual(['CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED']);
});

test('a child process that says nothing is given up at the deadline, and ended', async () => {
  const args = [script, 'silent'];
  const client = new Client({ child: { command: process.execPath, args } }, { connectTimeoutMs: 1_500 });
  onTestFinished(() => client.close());
  const startedAt = performance.now();
  await client.connect();
  expect(performance.now() - startedAt).toBeLessThan(8_000);
  expect(client.session('child').status).toBe('SERVER_UNREACHABLE');
});

test('a program that does not exist is a matter of configuration, and is not retried', async () => {
  const client = new Client({ child: { command: '/no/such/program' } });
  onTestFinished(() => client.close());
  await client.connect();
  const { status, error, canRetry } = client.session('child');
  expect([status, error?.code, canRetry]).toEqual(['FAILED', 'ERR_POSTERN_CONFIG_MISCONFIGURED', false]);
});

// A report from the field: oh-my-pi#11923, mcphub#1015 (R11).
test('what a child process said before it ended is in the error, with its exit code, escaped and bounded', async () => {
  const key = 'CNRY-7f3a9b+/=secret value';
  const client = openClient('explains', { API_KEY: key });
  await client.connect();
  const { error, condition } = client.session('child');
  expect([error?.code, error?.evidence?.exit, condition.evidence?.exit]).toEqual([
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    7,
    7,
  ]);
  const told = JSON.stringify(error);
  expect(error?.message).toContain('(exit code 7)');
  expect(error?.message).toContain('FATAL: no licence found');
  expect(error?.evidence?.stderr).toContain('starting with \\u{1b}[31m[configured]');
  expect(told.length).toBeLessThan(4_000);
  const secrets = [key, encodeURIComponent(key), Buffer.from(key).toString('base64'), key.slice(0, 12)];
  for (const secret of secrets) expect(told).not.toContain(secret);
  expect(explain(error, { for: 'operator' })).toContain('FATAL: no licence found');
  for (const audience of ['person', 'model'] as const)
    expect(explain(error, { for: audience })).not.toContain('licence');
});

test('a child process that dies in the midst of a call says how, and that the call may have been carried out', async () => {
  const client = openClient();
  await pidOf(client);
  const error = findPosternError(await failureOf(client.callTool('exit')));
  expect(error?.evidence).toEqual({ exit: 1, stderr: 'out of memory', mayHaveRun: true });
});

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ProgrammableDevices, withDeviceCodes } from '../support/programmable-devices.ts';
import { startProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import { answerGreeting, sendJson, startPlainServer } from './plain-server.ts';
import { createHome, StdioHost } from './stdio-host.ts';

/** Says of each module that is loaded that it is. */
const watch = `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process.stderr.write('loads ' + url + '\\n'); return next(url, context); } });`;

test(
  'neither the SDK nor the schema library is loaded for the first answer',
  { timeout: 60_000 },
  async () => {
    const server = await startPlainServer((came, response) => {
      if (answerGreeting(came, response)) return;
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { tools: [] } }));
    });
    const home = createHome();
    const hook = join(home, 'watch.mjs');
    writeFileSync(hook, watch);
    const start = (): StdioHost =>
      StdioHost.start([server.url], { home, env: { NODE_OPTIONS: `--import=${hook}` } });
    const loaded = ({ talk }: StdioHost): string[] => talk.filter((line) => line.startsWith('loads '));
    const first = start();
    await first.greet();
    await first.ask('tools/list');
    expect(loaded(first).length).toBeGreaterThan(20);
    expect(loaded(first).filter((line) => /\/(?:zod|@modelcontextprotocol)\//u.test(line))).toEqual([]);
    await first.leave();
    const asked = server.came.length;
    const second = start();
    expect((await second.greet()).result.serverInfo.name).toBe('plain');
    expect(loaded(second).filter((line) => /\/(?:zod|@modelcontextprotocol)\//u.test(line))).toEqual([]);
    expect((await second.ask('tools/list')).result).toEqual({ tools: [] });
    await second.leave();
    // What was known is looked at again.
    expect(server.came.length).toBeGreaterThan(asked);
  },
);

test(
  'a host that leaves while its server is looked at again is told nothing of it',
  { timeout: 60_000 },
  async () => {
    let isSlow = false;
    const server = await startPlainServer((came, response) => {
      if (answerGreeting(came, response)) return;
      if (isSlow) return;
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { tools: [] } }));
    });
    const home = createHome();
    const first = StdioHost.start([server.url], { home });
    await first.greet();
    await first.ask('tools/list');
    await first.leave();
    isSlow = true;
    const asked = server.came.length;
    const second = StdioHost.start([server.url], { home });
    await second.greet();
    // The greeting, and then what it offers.
    await expect.poll(() => server.came.length, { timeout: 20_000 }).toBeGreaterThan(asked + 2);
    await second.leave();
    expect(second.talk.filter((line) => line.includes('warning'))).toEqual([]);
  },
);

test('without a display the person gets a code for another device', { timeout: 60_000 }, async () => {
  const as = await startProgrammableAuthorizationServer({
    metadata: withDeviceCodes,
    serve: (call, { subject }) =>
      answerMcp(call, { name: 'calendar', tools: [{ name: 'whoami' }], call: () => subject }),
  });
  onTestFinished(() => as.close());
  const devices = new ProgrammableDevices(as);
  const host = StdioHost.start([as.resource]);
  await host.greet();
  await host.ask('tools/list');
  const [, code] = await host.said(/enter the code (WDJB-\d+) at http/u);
  const login = await host.ask('tools/call', { name: 'login', arguments: {} });
  expect(login.result.content[0].text).toContain(`enter the code ${code}`);
  devices.approve('alice');
  await host.notification('notifications/tools/list_changed');
  expect((await host.ask('tools/call', { name: 'whoami', arguments: {} })).result.content[0].text).toBe(
    'alice',
  );
});

test.each<[string, readonly string[], RegExp]>([
  [
    'a secret in the arguments',
    ['https://a.example/mcp', '--client-id', 'c', '--client-secret', 'CNRYzsecretz-arg'],
    /others on this machine/,
  ],
  ['plain HTTP to another machine', ['http://a.example/mcp'], /--allow-http/],
  [
    'a header that the environment does not fill',
    ['https://a.example/mcp', '--header', 'X: ${NOT_THERE}'],
    /"NOT_THERE"/,
  ],
  [
    'two servers of one name',
    ['--server', 'a=https://a.example/', '--server', 'a=https://b.example/'],
    /two servers "a"/,
  ],
])('%s is refused, and what to do instead is said', (_what, args, message) => {
  const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const home = createHome();
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, 'bridge', ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_CACHE_HOME: home,
    },
    timeout: 60_000,
  });
  expect(status).toBe(2);
  expect(stderr.replaceAll(/\s+/gu, ' ')).toMatch(message);
  expect(stderr).not.toContain('CNRYzsecretz');
  expect(stdout).toBe('');
});

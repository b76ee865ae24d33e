import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readServers } from '../../src/cli/servers.ts';
import { readArguments } from '../../src/cli/tool-arguments.ts';
import { CommandLine, program } from '../support/command-line.ts';
import { answerMessage, type RpcMessage } from '../support/minimal-mcp.ts';
import { describeWithService } from '../support/services.ts';
import { openTerminal } from '../support/terminal.ts';

const png = Buffer.from('89504e470d0a1a0a', 'hex').toString('base64');
const inputSchema = {
  type: 'object' as const,
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    exact: { type: 'number' },
    loud: { type: 'boolean' },
    list: { type: 'array' },
    deep: { type: 'object' },
    either: { type: ['string', 'number'] },
  },
};

/** What each tool answers. */
const tools: Readonly<Record<string, (args: unknown) => object>> = {
  echo: (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
  fail: () => ({ content: [{ type: 'text', text: 'the day is full' }], isError: true }),
  weather: () => ({ content: [], structuredContent: { degrees: 21 } }),
  hostile: () => ({ content: [{ type: 'text', text: 'a\u001B]0;pwned\u0007\u001B[2Jb\u202Ec\nd\te' }] }),
  '../draw': () => ({
    content: [
      { type: 'text', text: 'two pictures' },
      { type: 'image', data: png, mimeType: 'image/png' },
      { type: 'image', data: png, mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'x:y', mimeType: '../../x', blob: png } },
      { type: 'resource_link', uri: 'https://a.example/b', name: 'a link' },
    ],
  }),
};

/** A server that asks nobody to sign in. Returns its address. */
async function openServer(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(Buffer.concat(chunks).toString()) as RpcMessage & {
        params?: { name?: string };
      };
      const description = 'Says\u001B[31m it again';
      const listed = Object.keys(tools).map((name) => ({ name, description, inputSchema }));
      const tool = tools[message.params?.name ?? ''];
      const answer =
        message.method === 'tools/call' && tool !== undefined
          ? { jsonrpc: '2.0', id: message.id, result: tool(message.params?.arguments) }
          : answerMessage(message, { name: 'tools', tools: listed, call: () => '' });
      if (answer === undefined) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

const read = (...arg: string[]): Promise<unknown> => readArguments({ arg }, { inputSchema });

test('an argument is read as what the tool says that it takes', async () => {
  expect(
    await read(
      'text=1',
      'count=-2',
      'exact=1.5',
      'loud=true',
      'list=["a",1]',
      'deep={"a":{}}',
      'either=7',
      'other=1',
      'text=a=b',
    ),
  ).toEqual({
    text: 'a=b',
    count: -2,
    exact: 1.5,
    loud: true,
    list: ['a', 1],
    deep: { a: {} },
    either: '7',
    other: '1',
  });
  const polluted = (await read('__proto__=x')) as object;
  expect([Object.keys(polluted), Object.getPrototypeOf(polluted)]).toEqual([['__proto__'], Object.prototype]);
});

test.each(['count=1.5', 'count=many', 'exact=', 'loud=yes', 'list={}', 'deep=[1]', 'noname', '=x'])(
  '%j is refused before anything is called, and its value is not repeated',
  async (arg) => {
    const error = (await read(arg).catch((failure: unknown) => failure)) as Error & { code: string };
    expect(error.code).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
    for (const value of ['many', 'noname']) expect(error.message).not.toContain(value);
  },
);

test('arguments come from --arg, from JSON, from a file, and from standard input', async () => {
  const url = await openServer();
  const line = new CommandLine();
  writeFileSync(join(line.home, 'in.json'), '{"count":3}');
  const [named, piped] = await Promise.all([
    line.run('call', url, 'echo', '--arg', 'count=3', '--arg', 'text=ü'),
    line.runWith('{"count":3}', 'call', url, 'echo', '--input', '-'),
  ]);
  expect([named?.stdout, piped?.stdout]).toEqual(['{"count":3,"text":"ü"}\n', '{"count":3}\n']);
  const from = (input: string): Promise<unknown> => readArguments({ input }, { inputSchema });
  expect(await Promise.all([from('{"a":[]}'), from(`@${join(line.home, 'in.json')}`)])).toEqual([
    { a: [] },
    { count: 3 },
  ]);
  for (const wrong of ['[3]', '3', 'null', '{', '@nothing.json']) {
    await expect(from(wrong)).rejects.toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
  }
});

test('an answer that is an error ends with 6, a tool that is not there with 1, a server that is not there with 5', async () => {
  const url = await openServer();
  const line = new CommandLine();
  const [failed, missing, away] = await Promise.all([
    line.run('call', url, 'fail'),
    line.run('call', url, 'nothing'),
    line.run('call', 'http://127.0.0.1:9/mcp', 'echo'),
  ]);
  expect(failed).toMatchObject({ code: 6, stdout: 'the day is full\n' });
  expect([missing?.code, missing?.stderr]).toEqual([
    1,
    expect.stringContaining('It has: echo, fail, weather, hostile, ../draw.'),
  ]);
  expect([away?.code, away?.stderr]).toEqual([5, expect.stringContaining('ERR_POSTERN_CLIENT_UNREACHABLE')]);
});

test('pictures are written to files of their own, in the folder that is meant, over no other file', async () => {
  const url = await openServer();
  const line = new CommandLine();
  writeFileSync(join(line.home, '_draw-1.png'), 'mine');
  const { code, stdout } = await line.run('call', url, '../draw');
  expect([code, stdout.split('\n')]).toEqual([
    0,
    ['two pictures', '_draw-2.png', '_draw-3.png', '_draw-1.bin', 'a link: https://a.example/b', ''],
  ]);
  expect(readFileSync(join(line.home, '_draw-2.png')).toString('base64')).toBe(png);
  expect(readFileSync(join(line.home, '_draw-1.png'), 'utf8')).toBe('mine');

  const kept = await line.json('call', url, '../draw', '--out', 'new/folder');
  expect([kept.answer.result.files.length, kept.answer.result.content[1].data]).toEqual([3, png]);
  expect(readdirSync(join(line.home, 'new/folder'))).toHaveLength(3);
  expect(existsSync(join(line.home, '..', 'draw-1.png'))).toBe(false);
});

test('a server of the user’s own file is found by its name, and a program on this machine is started', async () => {
  const url = await openServer();
  const line = new CommandLine();
  const file = join(line.home, 'servers.json');
  const script = `process.stdin.once('data', () => process.exit(0)); setTimeout(() => {}, 60_000)`;
  const mcpServers = {
    day: { type: 'http', url },
    broken: { command: process.execPath, args: ['-e', script] },
  };
  writeFileSync(file, JSON.stringify({ mcpServers }));
  expect((await line.run('call', 'day', 'echo', '--config', file)).stdout).toBe('{}\n');
  const { code, answer } = await line.json('list', '--check', '--config', file);
  const [broken, day] = answer.result.servers;
  expect([code, broken.server, day.server]).toEqual([0, 'broken', 'day']);
  expect([day.condition.condition, broken.condition.condition !== 'ok', broken.url]).toEqual([
    'ok',
    true,
    null,
  ]);
  expect((await line.run('call', 'night', 'echo', '--config', file)).stderr).toContain(
    'Named there are: day, broken.',
  );
});

test.each([
  ['{ "mcpServers": { "a": "secret" } }', /names no servers/u],
  ['{ "mcpServers": { "a": { "url": "secret" }', /is not JSON \(line 1, column \d+\)/u],
  ['[]', /names no servers/u],
])('a file of servers that is none, %j, is refused, and not quoted', (text, said) => {
  const file = join(new CommandLine().home, 's.json');
  writeFileSync(file, text);
  expect(() => readServers(file)).toThrow(said);
  expect(() => readServers(file)).not.toThrow('secret');
});

await describeWithService('python3', 'what a server says', ({ where: python }) => {
  test('does nothing to a terminal, and is passed on as it is where there is none', async () => {
    const url = await openServer();
    const env = { POSTERN_KEYCHAIN: 'off' };
    const terminal = openTerminal(program, ['call', url, 'hostile'], { python, env });
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toContain('a\\u{1b}]0;pwned\\u{7}\\u{1b}[2Jb\\u{202e}c\r\nd\te\r\n');
    const piped = await new CommandLine().run('call', url, 'hostile');
    expect(piped.stdout).toBe('a\u001B]0;pwned\u0007\u001B[2Jb\u202Ec\nd\te\n');
  });
});

import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { answerMessage, type RpcMessage } from '../support/minimal-mcp.ts';
import { openServer } from './open-server.ts';

const run = promisify(execFile);
const client = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));
const server = { name: 'echo', tools: [{ name: 'echo' }], call: () => 'said' };

test.each(['legacy', 'auto'] as const)(
  "a first call over HTTP is answered without undici, HTTP/2, TLS, resolving names or Node's own cryptography, with versions %s",
  async (versionNegotiation) => {
    const { origin } = await openServer((request, response) => {
      void text(request).then((body) => {
        const answer = body === '' ? undefined : answerMessage(JSON.parse(body) as RpcMessage, server);
        response.writeHead(answer ? 200 : 202, { 'content-type': 'application/json' });
        response.end(answer && JSON.stringify(answer));
      });
    });
    const program = `
      import { Client } from ${JSON.stringify(client)};
      const servers = { echo: { url: ${JSON.stringify(`${origin}/mcp`)}, headers: { authorization: 'Bearer t' } } };
      const client = new Client(servers, ${JSON.stringify({ versionNegotiation })});
      const { content } = await client.callTool('echo', {});
      const dear = /(?:undici|\\bhttp2|NativeModule (?:tls|dns|crypto))$/;
      const loaded = process.moduleLoadList.filter((name) => dear.test(name));
      process.stdout.write(JSON.stringify({ content, loaded }));
      process.exit();`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    expect(JSON.parse(stdout)).toEqual({ content: [{ type: 'text', text: 'said' }], loaded: [] });
  },
  60_000,
);

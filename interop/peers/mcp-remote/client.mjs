// mcp-remote between our server and a client of SDK v2 that can elicit URLs.
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { drive, show, target } from '../../shared/client-driver.mjs';

const script = fileURLToPath(new URL('node_modules/mcp-remote/dist/proxy.js', import.meta.url));
const client = new Client(
  { name: 'behind-mcp-remote', version: '1.0.0' },
  { capabilities: { elicitation: { form: {}, url: {} } }, versionNegotiation: { mode: 'legacy' } },
);
client.setRequestHandler('elicitation/create', ({ params }) => {
  show(params.url ?? params.message);
  return { action: 'accept' };
});
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [script, target.url, '--allow-http'],
    env: process.env,
  }),
);

drive(async () => {
  try {
    return await client.callTool({ name: 'whoami', arguments: {} });
  } catch (error) {
    // What a client that can elicit does with -32042, as far as it has come through.
    for (const { url } of error?.data?.elicitations ?? []) show(url);
    throw error;
  }
});

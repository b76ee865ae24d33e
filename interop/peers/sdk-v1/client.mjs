// The client of SDK v1: with URL elicitation, or, with `plain`, one that declares no capability at all.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js';
import { drive, show, target, tool } from '../../shared/client-driver.mjs';

const plain = process.argv[3] === 'plain';
const client = new Client(
  { name: 'sdk-v1', version: '1.0.0' },
  plain ? {} : { capabilities: { elicitation: { form: {}, url: {} } } },
);
if (!plain) {
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    show(params.url ?? params.message);
    return { action: 'accept' };
  });
}
await client.connect(
  target.url === undefined
    ? new StdioClientTransport(target)
    : new StreamableHTTPClientTransport(new URL(target.url)),
);

drive(async () => {
  try {
    return await client.callTool(tool);
  } catch (error) {
    // What a client that can elicit does with -32042, by the SDK's own class.
    if (!plain && error instanceof UrlElicitationRequiredError)
      for (const { url } of error.elicitations) show(url);
    throw error;
  }
});

// The client of SDK v2, in the era it is told, with URL elicitation.
import {
  Client,
  StreamableHTTPClientTransport,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { drive, show, target, tool } from '../../shared/client-driver.mjs';

const mode = process.argv[3] === 'modern' ? { pin: '2026-07-28' } : 'legacy';
const client = new Client(
  { name: 'sdk-v2', version: '1.0.0' },
  { capabilities: { elicitation: { form: {}, url: {} } }, versionNegotiation: { mode } },
);
client.setRequestHandler('elicitation/create', ({ params }) => {
  show(params.url ?? params.message);
  return { action: 'accept' };
});
await client.connect(
  target.url === undefined
    ? new StdioClientTransport(target)
    : new StreamableHTTPClientTransport(new URL(target.url)),
);

drive(async () => {
  try {
    return await client.callTool(tool);
  } catch (error) {
    if (UrlElicitationRequiredError.isInstance?.(error) ?? error instanceof UrlElicitationRequiredError) {
      for (const { url } of error.elicitations) show(url);
    }
    throw error;
  }
});

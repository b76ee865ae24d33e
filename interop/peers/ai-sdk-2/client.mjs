// The AI SDK's client, its tool called as the SDK calls it for a model. `url`: with URL elicitation declared.
import * as sdk from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { drive, show, target, tool } from '../../shared/client-driver.mjs';

const elicits = process.argv[3] === 'url';
const createClient = sdk.createMCPClient ?? sdk.experimental_createMCPClient;
const client = await createClient({
  transport: target.url === undefined ? new StdioTransport(target) : { type: 'http', url: target.url },
  ...(elicits && { capabilities: { elicitation: { url: {} } } }),
});
if (elicits) {
  client.onElicitationRequest(sdk.ElicitationRequestSchema, ({ params }) => {
    show(params.url ?? params.message);
    return { action: 'accept' };
  });
}
const tools = await client.tools();

drive(() => tools[tool.name].execute(tool.arguments, { toolCallId: crypto.randomUUID(), messages: [] }));

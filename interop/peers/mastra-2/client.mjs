// Mastra's client, its tool executed as an agent executes it.
import { MCPClient } from '@mastra/mcp';
import { drive, target, tool } from '../../shared/client-driver.mjs';

const client = new MCPClient({
  servers: { directory: target.url === undefined ? target : { url: new URL(target.url) } },
});
const tools = await client.listTools();

drive(() => tools[`directory_${tool.name}`].execute(tool.arguments, {}));

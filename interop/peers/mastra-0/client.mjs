// Mastra's client, its tool executed as an agent executes it.
import { MCPClient } from '@mastra/mcp';
import { drive, target } from '../../shared/client-driver.mjs';

const client = new MCPClient({
  servers: { directory: target.url === undefined ? target : { url: new URL(target.url) } },
});
const tools = await client.getTools();

drive(() => tools.directory_whoami.execute({ context: {} }));

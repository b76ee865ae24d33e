// LangChain's adapters: the tool invoked as an agent invokes it.
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { drive, target, tool } from '../../shared/client-driver.mjs';

const client = new MultiServerMCPClient({
  mcpServers: {
    directory:
      target.url === undefined ? { transport: 'stdio', ...target } : { transport: 'http', ...target },
  },
});
const tools = await client.getTools();
const chosen = tools.find(({ name }) => name === tool.name);

drive(() => chosen.invoke(tool.arguments));

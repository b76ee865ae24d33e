// LangChain's adapters: the tool invoked as an agent invokes it.
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { drive, target } from '../../shared/client-driver.mjs';

const client = new MultiServerMCPClient({
  mcpServers: {
    directory:
      target.url === undefined ? { transport: 'stdio', ...target } : { transport: 'http', ...target },
  },
});
const [whoami] = await client.getTools();

drive(() => whoami.invoke({}));

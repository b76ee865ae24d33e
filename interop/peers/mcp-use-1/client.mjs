// The client of mcp-use 1.
import { MCPClient } from 'mcp-use';
import { drive, target } from '../../shared/client-driver.mjs';

const client = MCPClient.fromDict({ mcpServers: { directory: target } });
const session = await client.createSession('directory');

drive(() => session.connector.callTool('whoami', {}));

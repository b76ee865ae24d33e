// The MCP servers of OpenAI's Agents SDK.
import { MCPServerStdio, MCPServerStreamableHttp } from '@openai/agents';
import { drive, target, tool } from '../../shared/client-driver.mjs';

const server =
  target.url === undefined
    ? new MCPServerStdio({ name: 'directory', ...target })
    : new MCPServerStreamableHttp({ name: 'directory', ...target });
await server.connect();

drive(() => server.callTool(tool.name, tool.arguments));

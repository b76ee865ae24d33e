// An MCP server of SDK v2, in both protocol eras.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const [port, transport] = process.argv.slice(2);
const create = () => {
  const server = new McpServer({ name: 'sdk-v2', version: '1.0.0' });
  server.registerTool('ahoy', { description: 'Says ahoy' }, () => ({
    content: [{ type: 'text', text: 'ahoy' }],
  }));
  return server;
};

if (transport === 'stdio') {
  serveStdio(create);
} else {
  const listener = toNodeHandler(createMcpHandler(create));
  createServer((request, response) => void listener(request, response)).listen(Number(port));
}

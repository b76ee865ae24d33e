// A server made with mcp-use 2.
import { MCPServer } from 'mcp-use';

const [port] = process.argv.slice(2);
const server = new MCPServer({ name: 'mcp-use', version: '1.0.0', host: '127.0.0.1' });
server.tool({ name: 'ahoy', description: 'Says ahoy' }, async () => ({
  content: [{ type: 'text', text: 'ahoy' }],
}));
await server.listen(Number(port));

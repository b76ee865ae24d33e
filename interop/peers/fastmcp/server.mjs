// A server made with fastmcp; over HTTP it also answers at `/sse`.
import { FastMCP } from 'fastmcp';

const [port, transportType] = process.argv.slice(2);
const server = new FastMCP({ name: 'fastmcp', version: '1.0.0' });
server.addTool({ name: 'ahoy', description: 'Says ahoy', execute: async () => 'ahoy' });
await server.start(
  transportType === 'stdio'
    ? { transportType }
    : { transportType, httpStream: { port: Number(port), host: '127.0.0.1' } },
);

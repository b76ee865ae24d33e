/** A small MCP server on stdin and stdout. Its argument tells it how to misbehave. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const [behaviour = 'well'] = process.argv.slice(2);
if (behaviour === 'dies') process.exit(3);
if (behaviour === 'chatters') {
  process.stdout.write('Welcome to the server!\n\n{"not":"a message"}\n[1,2]\n');
  process.stderr.write('x'.repeat(200_000));
}
if (behaviour === 'silent') setInterval(() => {}, 1_000);
else {
  serveStdio(() => {
    const server = new McpServer({ name: 'stdio', version: '1.0.0' });
    const text = (value: string): { content: { type: 'text'; text: string }[] } => ({
      content: [{ type: 'text', text: value }],
    });
    server.registerTool('pid', { description: 'The process' }, () => text(String(process.pid)));
    server.registerTool('environment', { inputSchema: z.object({ name: z.string() }) }, ({ name }) =>
      text(process.env[name] ?? 'unset'),
    );
    server.registerTool('exit', { description: 'Ends the process in the midst of the call' }, () =>
      process.exit(1),
    );
    return server;
  });
}

/** A small MCP server on stdin and stdout. Its argument tells it how to misbehave. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const [behaviour = 'well'] = process.argv.slice(2);
if (behaviour === 'dies') process.exit(3);
if (behaviour === 'explains') {
  const key = process.env['API_KEY'] ?? '';
  process.stderr.write(`${'x'.repeat(20_000)}\nstarting with \u001b[31m${key}\u001b[0m\n`);
  process.stderr.write(
    `as ${Buffer.from(key).toString('base64')}, ${encodeURIComponent(key)}, ${key.slice(0, 12)}…\n`,
  );
  process.stderr.write('FATAL: no licence found\n');
  process.exitCode = 7;
}
if (behaviour === 'chatters') {
  process.stdout.write('Welcome to the server!\n\n{"not":"a message"}\n[1,2]\n');
  process.stderr.write('x'.repeat(200_000));
}
if (behaviour === 'silent') setInterval(() => {}, 1_000);
else if (behaviour !== 'explains') {
  serveStdio(() => {
    const server = new McpServer({ name: 'stdio', version: '1.0.0' });
    const text = (value: string): { content: { type: 'text'; text: string }[] } => ({
      content: [{ type: 'text', text: value }],
    });
    server.registerTool('pid', { description: 'The process' }, () => text(String(process.pid)));
    server.registerTool('environment', { inputSchema: z.object({ name: z.string() }) }, ({ name }) =>
      text(process.env[name] ?? 'unset'),
    );
    server.registerTool('exit', { description: 'Ends the process in the midst of the call' }, () => {
      process.stderr.write('out of memory\n');
      process.exit(1);
    });
    return server;
  });
}

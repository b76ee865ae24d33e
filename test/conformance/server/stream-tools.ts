import { setTimeout as wait } from 'node:timers/promises';
import { inputRequired, type McpServer } from '@modelcontextprotocol/server';
import type { Oob } from '../../../src/oob/index.ts';
import { textResult } from './text-result.ts';

/** How far apart the messages of one call are sent, so that they do not arrive as one. */
const stepMs = 50;

/** Tools that say something before they answer, or answer on another stream than the one they were called on. */
export function registerStreamTools(server: McpServer, oob: Oob): void {
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports progress' },
    oob.tool(async (_args, { progress: report }) => {
      for (const progress of [0, 50, 100]) {
        if (progress > 0) await wait(stepMs);
        await report?.({ progress, total: 100 });
      }
      return textResult('All of it is done.');
    }),
  );
  server.registerTool('test_tool_with_logging', { description: 'Writes a log' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    await wait(stepMs);
    await mcpReq.log('info', 'Tool processing data');
    await wait(stepMs);
    await mcpReq.log('info', 'Tool execution completed');
    return textResult('The log is written.');
  });
  server.registerTool('test_logging_tool', { description: 'Writes one line of log' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'Seen only by a client that has named a level');
    return textResult('The line is written.');
  });
  server.registerTool(
    'test_streaming_elicitation',
    { description: 'Asks a question on a stream' },
    async ({ mcpReq }) => {
      await mcpReq.log('info', 'A question follows');
      return inputRequired({
        inputRequests: {
          answer: inputRequired.elicit({
            message: 'Is anybody there?',
            requestedSchema: { type: 'object', properties: { here: { type: 'boolean' } } },
          }),
        },
      });
    },
  );
  server.registerTool(
    'test_reconnection',
    { description: 'Closes the stream it was called on, and answers where the client comes back' },
    async ({ http }) => {
      http?.closeSSE?.();
      await wait(stepMs);
      return textResult('Reconnected.');
    },
  );
}

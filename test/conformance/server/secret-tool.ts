import type { McpServer } from '@modelcontextprotocol/server';
import { secretForm, type FormValues, type NamedFlow, type Oob } from '../../../src/oob/index.ts';
import { textResult } from './text-result.ts';

/** How the key is asked for. Named once for all the servers of a process. */
export function createKeyFlow(oob: Oob): NamedFlow<FormValues> {
  return oob.flow(
    'key',
    secretForm({
      type: 'object',
      properties: { key: { type: 'string', writeOnly: true } },
      required: ['key'],
    }),
  );
}

/** A tool that needs what no model may see, and says only how long it is. */
export function registerSecretTool(server: McpServer, oob: Oob, flow: NamedFlow<FormValues>): void {
  server.registerTool(
    'test_secret',
    { description: 'Asks the person for a key, out of band' },
    oob.tool(async (_args, context) => {
      const { key } = await context.credential({ resource: 'test://vault', flow });
      return textResult(`The key has ${String(key).length} characters.`);
    }),
  );
}

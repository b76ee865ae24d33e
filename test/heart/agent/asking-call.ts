import type { CallToolResult } from '@modelcontextprotocol/client';
import type { Client } from '../../../src/client/index.ts';

/** A call that the server needs a person for. */
export function runQuery(client: Client, timeout = 60_000, connection = 'db'): Promise<CallToolResult> {
  return client.callTool('run_query', { connection }, { timeout });
}

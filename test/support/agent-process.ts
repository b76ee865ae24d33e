/** One process of an agent host, which calls tools as its parent says, and serves the pages of sign-ins. */
import type { CallToolResult, Client as SdkClient } from '@modelcontextprotocol/client';
import {
  ClientManager,
  findAuthorizationRequired,
  RemoteAuthCoordinator,
  type AuthConfig,
  type Client,
  type SignInBy,
} from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answerParent } from './answer-parent.ts';
import { userOf } from './page-host.ts';

/** Calls to make at once. */
export interface AgentQuestion {
  readonly contextId: string;
  readonly calls: number;
  /** By the official client, which has our `authProvider`, instead of our own. */
  readonly official?: boolean;
}

/** What came of each call: the text, or the code of its error. */
export interface CallOutcome {
  readonly text?: string;
  readonly code?: string;
  readonly link?: string;
}

export interface AgentAnswer {
  readonly outcomes: readonly CallOutcome[];
  /** The status of the session after them. */
  readonly status: string;
}

const [directory = '', publicUrl = '', calendarUrl = '', signInBy = 'auto'] = process.argv.slice(2);

const storage = openLocalStorage(directory);
const coordinator = new RemoteAuthCoordinator({
  storage,
  publicUrl,
  verifyUser: userOf,
  signInBy: signInBy as SignInBy,
});
const servers = {
  calendar: { url: calendarUrl, auth: JSON.parse(process.env['AGENT_AUTH'] ?? '{}') as AuthConfig },
};
const manager = new ClientManager(servers, { coordinator });

const officials = new Map<string, Promise<SdkClient>>();

async function openOfficial(client: Client): Promise<SdkClient> {
  const { authProvider } = client.session('calendar');
  const sdk = await import('@modelcontextprotocol/client');
  const official = new sdk.Client({ name: 'official', version: '1.0.0' });
  await official.connect(new sdk.StreamableHTTPClientTransport(new URL(calendarUrl), { authProvider }));
  return official;
}

async function whoami(contextId: string, official: boolean): Promise<CallToolResult> {
  const client = await manager.getClient(contextId);
  if (!official) return client.callTool('whoami');
  const opened = officials.get(contextId) ?? openOfficial(client);
  officials.set(contextId, opened);
  opened.catch(() => officials.delete(contextId));
  return (await opened).callTool({ name: 'whoami', arguments: {} });
}

async function call(contextId: string, official: boolean): Promise<CallOutcome> {
  try {
    const { content } = await whoami(contextId, official);
    return { text: (content as { text?: string }[])[0]?.text ?? '' };
  } catch (error) {
    const link = findAuthorizationRequired(error)?.challenge.url;
    return { code: findPosternError(error)?.code ?? String(error), ...(link !== undefined && { link }) };
  }
}

await answerParent(
  coordinator.fetch,
  async ({ contextId, calls, official = false }: AgentQuestion): Promise<AgentAnswer> => {
    const outcomes = await Promise.all(Array.from({ length: calls }, () => call(contextId, official)));
    const client = await manager.getClient(contextId);
    return { outcomes, status: client.session('calendar').status };
  },
);

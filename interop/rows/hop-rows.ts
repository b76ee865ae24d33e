import { peerPath, type About, type Row } from '../row.ts';
import { hops, tellHopStory, type Hop, type HopPeer } from '../stories/hop-story.ts';

/** One line for each hop. */
function client(name: string, { folder, script, ...peer }: Omit<About<HopPeer>, 'hop' | 'short'>): Row[] {
  return (Object.keys(hops) as Hop[]).map((hop) => ({
    name: `${name}, public servers ${hops[hop]}`,
    part: 'hop',
    folder,
    short: false,
    ...(hop === 'bridge' && { beside: { 'our restart': 'The client starts the bridge itself.' } }),
    run: () => tellHopStory({ ...peer, hop, script: peerPath(folder, script) }),
  }));
}

/** Clients of public servers, with our bridge or our gateway between them. */
export const hopRows: readonly Row[] = [
  ...client('SDK v1', { folder: 'sdk-v1', script: 'client.mjs' }),
  ...client('SDK v2, 2025-11-25', { folder: 'sdk-v2', script: 'client.mjs', args: ['legacy'] }),
  ...client('SDK v2, 2026-07-28', { folder: 'sdk-v2', script: 'client.mjs', args: ['modern'] }),
  ...client('AI SDK 2', { folder: 'ai-sdk-2', script: 'client.mjs' }),
  ...client('mcporter, API', { folder: 'mcporter', script: 'client.mjs' }),
  ...client('inspector 2 CLI', { folder: 'inspector', script: 'command.mjs' }),
  ...client('LangChain adapters', { folder: 'langchain', script: 'client.mjs' }),
  ...client('Mastra 2', { folder: 'mastra-2', script: 'client.mjs' }),
  ...client('OpenAI Agents', { folder: 'openai-agents', script: 'client.mjs' }),
];

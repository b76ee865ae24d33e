import { peerPath, type About, type Row } from '../row.ts';
import { modes, tellClientStory, type ClientPeer, type Mode } from '../stories/client-story.ts';

/** One line for each way the client can reach our server. */
function client(
  name: string,
  about: Omit<About<ClientPeer>, 'mode'> & { readonly modes?: readonly Mode[] },
): Row[] {
  const { folder, script, short = false, modes: chosen = allModes, ...peer } = about;
  return chosen.map((mode) => ({
    name: `${name}, ${modes[mode]}`,
    part: 'client',
    folder,
    short,
    ...(mode === 'stdio' && { beside: { 'our restart': 'The client starts the server itself.' } }),
    run: () => tellClientStory({ ...peer, mode, script: peerPath(folder, script) }),
  }));
}

const allModes: readonly Mode[] = ['session', 'stateless', 'stdio'];
/** Also with something of ours between the client and the server. */
const andHops: readonly Mode[] = [...allModes, 'bridge', 'expose'];

/** Clients of a server made with Postern. */
export const clientRows: readonly Row[] = [
  ...client('SDK v1', { folder: 'sdk-v1', script: 'client.mjs', modes: andHops }),
  ...client('SDK v1 without elicitation', { folder: 'sdk-v1', script: 'client.mjs', args: ['plain'] }),
  ...client('SDK v2, 2025-11-25', {
    folder: 'sdk-v2',
    script: 'client.mjs',
    args: ['legacy'],
    modes: andHops,
    short: true,
  }),
  ...client('SDK v2, 2026-07-28', {
    folder: 'sdk-v2',
    script: 'client.mjs',
    args: ['modern'],
    modes: ['stateless', 'stdio', 'bridge', 'expose'],
    short: true,
  }),
  ...client('AI SDK 1', { folder: 'ai-sdk-1', script: 'client.mjs' }),
  ...client('AI SDK 2', { folder: 'ai-sdk-2', script: 'client.mjs', modes: andHops }),
  ...client('AI SDK 2 with URL elicitation', {
    folder: 'ai-sdk-2',
    script: 'client.mjs',
    args: ['url'],
    modes: ['stateless'],
  }),
  ...client('mcp-remote', { folder: 'mcp-remote', script: 'client.mjs', modes: ['session', 'stateless'] }),
  ...client('mcporter, API', { folder: 'mcporter', script: 'client.mjs', modes: andHops }),
  ...client('mcporter, command', { folder: 'mcporter', script: 'command.mjs' }),
  ...client('inspector 2 CLI', { folder: 'inspector', script: 'command.mjs' }),
  ...client('inspector 0.15 CLI', { folder: 'inspector-0', script: 'command.mjs' }),
  ...client('LangChain adapters', { folder: 'langchain', script: 'client.mjs', modes: andHops }),
  ...client('Mastra 2', { folder: 'mastra-2', script: 'client.mjs', modes: andHops }),
  ...client('Mastra 0.14', { folder: 'mastra-0', script: 'client.mjs' }),
  ...client('OpenAI Agents', { folder: 'openai-agents', script: 'client.mjs', modes: andHops }),
  ...client('mcp-use 1', { folder: 'mcp-use-1', script: 'client.mjs' }),
];

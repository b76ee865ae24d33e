import type { OpenFace } from '../face.ts';
import type { Player, Surroundings } from './player.ts';

/** One line of the table. */
export interface Contender {
  readonly id: string;
  readonly name: string;
  /** What was done for it: the best of its own documentation. */
  readonly practice: string;
  /** What it is made of, as in the lock file of its folder. */
  readonly packages: readonly string[];
  /** Where those are. Default: beside the faces. */
  readonly folder?: 'compare/auth0';
  /** How its users sign in, and what its pauses wait for. Default: they have, as {@link Surroundings.directory} says, and an approval is waited for. */
  readonly signsIn?: 'by its links' | 'at the vault';
  readonly open: (surroundings: Surroundings) => Promise<Player>;
}

const own =
  'A client for each user and conversation, with an `OAuthClientProvider` that keeps the tokens of its user in a file';

const auth0 =
  'Its `credentialsContext` is left at its default, the thread. A stand-in answers for the tenant’s `/oauth/token`, since no tenant is at hand';

export const contenders: readonly Contender[] = [
  {
    id: 'openai',
    name: 'OpenAI Agents, alone',
    practice: `${own}; \`needsApproval\` laid over its tool, \`RunState\` kept as text.`,
    packages: ['@openai/agents', '@modelcontextprotocol/sdk'],
    open: async (at) => (await import('./alone/openai.ts')).openOpenAIAlone(at),
  },
  ours(
    'openai',
    'OpenAI Agents',
    '@openai/agents',
    async () => (await import('../openai-face.ts')).openOpenAI,
  ),
  {
    id: 'ai-sdk',
    name: 'AI SDK, alone',
    practice: `${own}; \`toolApproval\` with \`experimental_toolApprovalSecret\`, messages kept as JSON.`,
    packages: ['ai', '@ai-sdk/mcp'],
    open: async (at) => (await import('./alone/ai-sdk.ts')).openAiSdkAlone(at),
  },
  ours('ai-sdk', 'AI SDK', 'ai', async () => (await import('../ai-sdk-face.ts')).openAiSdk),
  {
    id: 'auth0-ai-sdk',
    name: 'AI SDK with Auth0',
    practice: `\`withTokenVault\` around a tool that calls MCP with its token and throws \`TokenVaultError\` on a 401; \`invokeTools\` goes on. ${auth0}.`,
    packages: ['@auth0/ai-vercel', '@auth0/ai', 'ai'],
    folder: 'compare/auth0',
    signsIn: 'at the vault',
    open: async (at) => (await import('./auth0/ai-sdk.ts')).openAuth0AiSdk(at),
  },
  {
    id: 'langchain',
    name: 'LangChain, alone',
    practice: `${own}; \`humanInTheLoopMiddleware\`, and one checkpointer for all.`,
    packages: ['langchain', '@langchain/langgraph', '@langchain/mcp-adapters'],
    open: async (at) => (await import('./alone/langchain.ts')).openLangChainAlone(at),
  },
  ours(
    'langchain',
    'LangChain',
    'langchain',
    async () => (await import('../langchain-face.ts')).openLangChain,
  ),
  {
    id: 'auth0-langchain',
    name: 'LangGraph with Auth0',
    practice: `\`withTokenForConnection\` around a tool that calls MCP with its token and throws \`FederatedConnectionError\` on a 401; the graph is invoked again. ${auth0}. \`@auth0/ai\` is held at 4.0.1: with the newest, which it asks for, it does not load.`,
    packages: ['@auth0/ai-langchain', '@langchain/langgraph'],
    folder: 'compare/auth0',
    signsIn: 'at the vault',
    open: async (at) => (await import('./auth0/langchain.ts')).openAuth0LangChain(at),
  },
  {
    id: 'mastra',
    name: 'Mastra, alone',
    practice: `${own}; \`listToolsets\`, \`requireToolApproval\`, and LibSQL for its storage.`,
    packages: ['@mastra/core', '@mastra/mcp', '@mastra/libsql'],
    open: async (at) => (await import('./alone/mastra.ts')).openMastraAlone(at),
  },
  ours('mastra', 'Mastra', '@mastra/core', async () => (await import('../mastra-face.ts')).openMastra),
];

/** A framework with our face, on one SQLite file. */
function ours(id: string, framework: string, name: string, face: () => Promise<OpenFace>): Contender {
  return {
    id: `postern-${id}`,
    name: `${framework} with Postern`,
    practice: 'One `ClientManager` for all, on one SQLite file; a run is woken.',
    packages: [name],
    signsIn: 'by its links',
    open: async (at) => (await import('./ours.ts')).openOurs(at, await face()),
  };
}

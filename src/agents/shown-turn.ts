import type { AgentTool } from './agent-tool.ts';
import type { Turn } from './turn.ts';

/** What the face of each framework shows of a turn. */
export interface ShownTurn extends Pick<Turn, 'client' | 'contextId' | 'metadata' | 'runId'> {
  /** The agent's instructions, with what is connected and what awaits the user. */
  readonly getSystemPrompt: (base: string) => Promise<string>;
}

/** A turn as a face shows it, and its tools, for the face to make the framework's own of. */
export async function showTurn(turn: Turn): Promise<{ shown: ShownTurn; tools: readonly AgentTool[] }> {
  const { client, contextId, metadata, runId } = turn;
  const getSystemPrompt = (base: string): Promise<string> => turn.getSystemPrompt(base);
  return {
    shown: { client, contextId, metadata, runId, getSystemPrompt },
    tools: [...(await turn.getTools()), ...(await turn.getAuthTools())],
  };
}

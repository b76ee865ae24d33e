import type { CallToolResult, Tool } from '@modelcontextprotocol/client';
import { hashUnremembered } from '../core/random.ts';
import type { Need } from './needs.ts';

/** The longest name that every provider of models takes. */
const maxNameLength = 64;

/** One call of a tool, as a model made it. */
export interface AgentCall {
  /** The model's own id of this call: what a call is made once by. */
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A tool as a framework is given it.
 *
 * Ask `needs` before a call, and pause the run while it says something; then `call`, which looks at the store again and
 * decides by that. Whatever else a framework was told while it was paused, an approval among it, decides nothing.
 */
export interface AgentTool {
  /** Unique in its run, the same in every process; letters, digits and `_`, at most 64. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly inputSchema: Tool['inputSchema'];
  /** What the server offers; `undefined` for the tool that has the user asked. */
  readonly of?: { readonly server: string; readonly alias: string; readonly tool: Tool } | undefined;
  /**
   * What a person has to do before this call. They have been told when it returns, and given the time of a short wait.
   *
   * @throws what telling the person throws.
   */
  readonly needs: (call: AgentCall) => Promise<Need | undefined>;
  /** The result, with errors as results: of the server, and of the call itself. */
  readonly call: (call: AgentCall) => Promise<CallToolResult>;
}

/** What a model calls a server's tool. Its server is always in it, so that a paused call has its name after a login, too. */
export async function modelNameOf(server: string, tool: string): Promise<string> {
  const whole = `${server}__${tool}`;
  const plain = whole.replaceAll(/\W/gu, '_');
  const isOne = whole.split('__').length === 2;
  if (isOne && plain === whole && plain.length <= maxNameLength) return plain;
  // Two that were made plain, or short, are never one; nor are two that are cut elsewhere.
  const hash = (await hashUnremembered(JSON.stringify([server, tool]))).slice(0, 8).replaceAll(/\W/gu, '_');
  return `${plain.slice(0, maxNameLength - 9)}_${hash}`;
}

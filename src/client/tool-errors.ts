import { PosternError } from '../core/postern-error.ts';
import type { SessionStatus } from './session/session-status.ts';

/** No server that was searched offers the tool. */
export class ToolNotFoundError extends PosternError {
  override readonly name: string = 'ToolNotFoundError';
  readonly tool: string;
  /** The servers that were asked, and those that could not be, by status. */
  readonly searched: Readonly<Record<string, SessionStatus>>;
  readonly available: readonly string[];

  constructor(tool: string, searched: Readonly<Record<string, SessionStatus>>, available: readonly string[]) {
    const servers = Object.entries(searched).map(([name, status]) => `${JSON.stringify(name)} (${status})`);
    super(
      'ERR_POSTERN_CLIENT_TOOL_NOT_FOUND',
      `no tool ${JSON.stringify(tool)} on ${servers.join(', ') || 'any server: none is configured'}`,
      { hint: 'listTools() shows what there is.' },
    );
    this.tool = tool;
    this.searched = searched;
    this.available = available;
  }
}

/** Several servers offer the tool; picking one would let any server shadow another's tools. */
export class ToolAmbiguousError extends PosternError {
  override readonly name: string = 'ToolAmbiguousError';
  readonly tool: string;
  readonly servers: readonly string[];

  constructor(tool: string, servers: readonly string[]) {
    super(
      'ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS',
      `the tool ${JSON.stringify(tool)} is offered by ${servers.map((name) => JSON.stringify(name)).join(' and ')}`,
      { hint: 'Name the server: callTool(tool, args, { server }).' },
    );
    this.tool = tool;
    this.servers = servers;
  }
}

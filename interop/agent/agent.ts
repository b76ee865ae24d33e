import { fileURLToPath } from 'node:url';
import { Child, findFreePort } from '../child.ts';

/** How the agent reaches the peer: a Postern server configuration, in JSON. */
export interface AgentServer {
  readonly url?: string;
  readonly transport?: 'streamable-http' | 'sse';
  readonly command?: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly auth?: { readonly client?: { readonly clientId: string }; readonly scopes?: readonly string[] };
  readonly allowsPkceUnadvertised?: boolean;
}

export interface AgentJob {
  readonly directory: string;
  readonly port: number;
  readonly server: AgentServer;
}

export interface CallOutcome {
  readonly answered: boolean;
  /** What the tool said, or the failure's code and message. */
  readonly text: string;
  /** Where a person has to go first. */
  readonly link?: string | undefined;
}

export interface ToolCall {
  readonly tool: string;
  readonly args?: Record<string, unknown>;
}

const script = fileURLToPath(new URL('agent-process.ts', import.meta.url));

/** An agent host made with Postern, in a process of its own that can be killed and started again. */
export class Agent {
  readonly #job: AgentJob;
  #child: Child;
  #aheadMs = 0;

  private constructor(job: AgentJob, child: Child) {
    this.#job = job;
    this.#child = child;
  }

  static async start(job: Omit<AgentJob, 'port'>): Promise<Agent> {
    const whole = { ...job, port: await findFreePort() };
    return new Agent(whole, await startProcess(whole, 0));
  }

  readonly isOurs = (url: URL): boolean => url.port === String(this.#job.port);

  /** Kills it, and starts it again on the same store. */
  async restart(): Promise<void> {
    await this.#child.kill();
    this.#child = await startProcess(this.#job, this.#aheadMs);
  }

  async setAhead(aheadMs: number): Promise<void> {
    this.#aheadMs = aheadMs;
    await this.#child.setAhead(aheadMs);
  }

  async call(call: ToolCall): Promise<CallOutcome> {
    return (await this.#child.ask('call', call)) as CallOutcome;
  }

  async calls(count: number, call: ToolCall): Promise<CallOutcome[]> {
    return (await this.#child.ask('calls', { count, ...call })) as CallOutcome[];
  }

  async connect(force = false): Promise<{ status: string; link?: string; error?: string }> {
    return (await this.#child.ask('connect', { force })) as { status: string; link?: string; error?: string };
  }

  async refreshes(): Promise<number> {
    return (await this.#child.ask('refreshes')) as number;
  }

  async tools(): Promise<string[]> {
    return (await this.#child.ask('tools')) as string[];
  }

  /** Kills the stdio server that the agent has started. */
  async killServer(): Promise<void> {
    await this.#child.ask('killServer');
  }

  get said(): string {
    return this.#child.said;
  }

  kill(): Promise<void> {
    return this.#child.kill();
  }
}

function startProcess(job: AgentJob, aheadMs: number): Promise<Child> {
  return Child.start({ script, args: [JSON.stringify(job)] }, aheadMs);
}

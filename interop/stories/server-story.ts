import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type AgentServer, type ToolCall } from '../agent/agent.ts';
import { Child, findFreePort, type Program } from '../child.ts';
import type { Findings } from '../columns.ts';
import { expect, Story } from './story.ts';

/** A program that serves MCP at a path of its port. */
export interface HttpProgram extends Program {
  readonly path: string;
  readonly transport?: 'sse';
}

/** An MCP server that asks nobody to sign in: a program the agent starts itself, or one that listens. */
export interface ServerPeer {
  readonly stdio?: { readonly script: string; readonly args?: readonly string[] };
  readonly http?: (port: number) => HttpProgram;
  readonly call: ToolCall;
  /** What the call answers. Default: what it was given. */
  readonly answer?: RegExp;
}

/** Has an agent use one server, and go on when either of them is killed and started again. */
export async function tellServerStory(peer: ServerPeer): Promise<Findings> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-interop-'));
  const story = new Story();
  const { call, answer = /ahoy/u } = peer;
  let running: Child | undefined;
  let agent: Agent | undefined;
  try {
    const listening = peer.http?.(await findFreePort());
    const program = listening && { ...listening, cwd: directory };
    if (program !== undefined) running = await Child.start(program);
    agent = await Agent.start({ directory, server: configOf(peer, program) });
    const ours = agent;

    const answered = async (tries: number): Promise<string> => {
      for (let made = 1; ; made++) {
        const outcome = await ours.call(call);
        if (outcome.answered && answer.test(outcome.text)) return `call ${made} was answered`;
        expect(made < tries, `call ${made} ended with ${outcome.text.slice(0, 300)}`);
      }
    };

    await story.check(
      'call',
      async () => {
        const { status, error } = await ours.connect();
        expect(status === 'CONNECTED', `the session is ${status} ${error ?? ''}`);
        const tools = await ours.tools();
        expect(tools.includes(call.tool), `there is no tool ${call.tool} among ${tools.join(', ')}`);
        await answered(1);
        return `${tools.length} tools`;
      },
      { needed: true },
    );
    await story.check('twenty calls', async () => {
      const outcomes = await ours.calls(20, call);
      const failed = outcomes.filter((outcome) => !outcome.answered);
      expect(failed.length === 0, `${failed.length} of 20 failed: ${failed[0]?.text}`);
      return '20 answered';
    });
    await story.check('our restart', async () => {
      await ours.restart();
      return answered(1);
    });
    await story.check('their restart', async () => {
      if (program === undefined) await ours.killServer();
      else {
        await running?.kill();
        running = await Child.start(program);
      }
      // The first call may be what finds out that the session is lost.
      return answered(2);
    });
  } catch (error) {
    await story.check('call', () => Promise.reject(error), { needed: true });
  } finally {
    await agent?.kill();
    await running?.kill();
    await rm(directory, { recursive: true, force: true });
  }
  return story.findings;
}

function configOf({ stdio }: ServerPeer, program: HttpProgram | undefined): AgentServer {
  if (program !== undefined) {
    const { port, path, transport } = program;
    return { url: `http://127.0.0.1:${port}${path}`, ...(transport && { transport }) };
  }
  return { command: process.execPath, args: [stdio?.script ?? '', ...(stdio?.args ?? [])] };
}

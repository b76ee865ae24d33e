import { McpServer, ProtocolError, type ServerContext, type Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { ChildHooks, ChildWant, LaunchedChild } from '../child/child.ts';
import type { ServerLink } from '../child/server-link.ts';
import { readMessageText } from '../../wire/message.ts';
import { waitingVersion } from './waiting-version.ts';
import { userClaim, type ChildSecrets } from './child-secrets.ts';

export interface WaitingRoomOptions {
  readonly secrets: ChildSecrets;
  readonly want: ChildWant;
  readonly hooks: ChildHooks;
  readonly name: string;
  readonly version: string;
  /** The child that there is once its user has given what it needs. */
  readonly next: (want: ChildWant) => Promise<{ readonly link: ServerLink }>;
}

const toolName = 'connect';
/** How long the first call of a child may take. */
const callMs = 10 * 60_000;

/**
 * A server in place of a child that cannot be started yet: it has one tool, and whoever calls that, or any other, is given
 * the link to the page where the child's secrets are entered, in the way that their client can take it. The call goes on at
 * the child once they are there.
 */
export function openWaitingRoom(options: WaitingRoomOptions): LaunchedChild {
  const { hooks } = options;
  const wire = new RoomWire(hooks);
  const room = serveStdio(() => createServer(options), { transport: wire });
  return {
    version: waitingVersion,
    queuedBytes: 0,
    send: (text) => wire.take(text),
    stop: async (reason) => {
      await room.close().catch(() => undefined);
      hooks.onEnd({ reason, lastLine: '' });
    },
  };
}

function createServer({ secrets, want, name, version, next }: WaitingRoomOptions): McpServer {
  const server = new McpServer({ name, version }, { capabilities: { tools: { listChanged: true } } });
  server.server.setRequestHandler('tools/list', () => ({
    tools: [
      {
        name: toolName,
        title: `Connect ${name}`,
        description: `${name} needs a secret of its user before its tools can be used. Call this to get the link to the page where they enter it. Never ask for the secret itself.`,
        inputSchema: { type: 'object' as const },
      },
    ],
  }));
  server.server.setRequestHandler('tools/call', ({ params }, context: ServerContext) => {
    const run = secrets.oob.tool<Record<string, unknown> | undefined>(
      async (args, { credential, signal }) => {
        await credential(secrets.request);
        if (params.name === toolName) {
          return { content: [{ type: 'text', text: `${name} is connected. Its tools can be used now.` }] };
        }
        const { link } = await next(want);
        const meta = context.mcpReq.envelope ?? {};
        const asked = {
          name: params.name,
          arguments: args,
          ...(Object.keys(meta).length > 0 && { _meta: meta }),
        };
        signal.throwIfAborted();
        const answer = await link.ask('tools/call', asked, callMs);
        if (answer.kind === 'error') {
          const { code, message, data } = answer.error;
          throw new ProtocolError(code, message, data);
        }
        return answer.result as never;
      },
      { name: params.name, server },
    );
    return run(params.arguments, { ...context, [userClaim]: want.user } as ServerContext);
  });
  return server;
}

/** Both ends of a line that does not leave the process. */
class RoomWire implements Transport {
  onmessage?: Transport['onmessage'];
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #hooks: ChildHooks;

  constructor(hooks: ChildHooks) {
    this.#hooks = hooks;
  }

  async start(): Promise<void> {}

  async send(message: object): Promise<void> {
    const read = readMessageText(JSON.stringify(message));
    if (read.kind !== 'refused') await this.#hooks.onMessage(read);
  }

  async close(): Promise<void> {
    this.onclose?.();
  }

  take(text: string): Promise<boolean> {
    if (this.onmessage === undefined) return Promise.resolve(false);
    this.onmessage(JSON.parse(text) as never);
    return Promise.resolve(true);
  }
}

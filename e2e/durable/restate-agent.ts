import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createEndpointHandler, service, type Context } from '@restatedev/restate-sdk';
import { connect, rpc, type Ingress } from '@restatedev/restate-sdk-clients';
import { findAuthorizationRequired, type AuthorizationRequiredError } from '../../src/client/index.ts';
import { randomId } from '../../src/core/random.ts';
import { textOf, type Stage } from '../../test/support/stage.ts';
import type { RestateServer } from './restate-server.ts';

/** How the waiting ended: `code` says why, when it was for nothing. */
interface Ended {
  readonly pendingId: string;
  readonly code?: string;
}

/** What came of the step that calls the tool. */
type Called = { readonly text: string } | { readonly waitsFor: string };

export interface RestateAgent {
  readonly ingress: Ingress;
  /** How often the step that calls was carried out. */
  readonly steps: { count: number };
  /** What people were told, and the awakeable that was parked with it. */
  readonly told: { readonly link: string; readonly awakeable: string; readonly pendingId: string }[];
  /** Has handlers called in this process. Resolves to the way to end that at once, as a crash would. */
  serve(): Promise<() => void>;
  /** Asks by a call that is made once, however often it is sent. */
  ask(user: string, idempotencyKey: string): Promise<string>;
}

/** The recipe of `docs/guides/durable-engines.md`, on a stage with two hosts: one calls tools and parks, the other one wakes. */
export async function openRestateAgent(
  stage: Stage,
  server: RestateServer,
  { afterPark }: { afterPark?: (agent: RestateAgent) => Promise<void> } = {},
): Promise<RestateAgent> {
  const ingress = connect({ url: server.ingressUrl });
  const steps = { count: 0 };
  const told: RestateAgent['told'] = [];

  const [wake] = stage.managers.map((manager) =>
    manager.continuation<Ended & { awakeable: string }>(
      'wake',
      ({ payload: { awakeable, pendingId } }) => ingress.resolveAwakeable<Ended>(awakeable, { pendingId }),
      {
        abandon: ({ payload: { awakeable, pendingId } }, code) =>
          ingress.resolveAwakeable<Ended>(awakeable, { pendingId, code }),
      },
    ),
  );
  await stage.managers[1]?.start();

  async function callTool(user: string, awakeable: string): Promise<Called> {
    steps.count++;
    const client = await stage.manager.getClient(user);
    try {
      return { text: textOf(await client.callTool('whoami')) };
    } catch (error) {
      const required: AuthorizationRequiredError | undefined = findAuthorizationRequired(error);
      if (required === undefined) throw error;
      const { pendingId, url: link } = required.challenge;
      await wake?.park(error, { awakeable, pendingId });
      told.push({ link, awakeable, pendingId });
      await afterPark?.(agent);
      return { waitsFor: pendingId };
    }
  }

  const definition = service({
    // Each test has handlers of its own at the one engine.
    name: `agent${randomId().replaceAll(/\W/gu, '')}`,
    handlers: {
      async ask(ctx: Context, user: string): Promise<string> {
        for (let round = 0; round < 5; round++) {
          const { id, promise } = ctx.awakeable<Ended>();
          const called = await ctx.run('call the tool', () => callTool(user, id));
          if ('text' in called) return called.text;
          const { code } = await promise;
          if (code !== undefined) return code;
        }
        return 'asked too often';
      },
    },
  });
  const handlers = ingress.serviceSendClient(definition);
  // What was begun goes on where it was begun.
  let port = 0;
  const agent: RestateAgent = {
    ingress,
    steps,
    told,
    async serve() {
      const endpoint = createServer(createEndpointHandler({ services: [definition], logger: () => {} }));
      const sessions = new Set<{ destroy(): void }>();
      endpoint.on('session', (session) => sessions.add(session));
      await new Promise<void>((resolve) => endpoint.listen(port, '127.0.0.1', resolve));
      port = portOf(endpoint);
      await server.register(`http://127.0.0.1:${port}`);
      return () => {
        endpoint.close();
        for (const session of sessions) session.destroy();
      };
    },
    async ask(user, idempotencyKey) {
      const sent = await handlers.ask(user, rpc.sendOpts({ idempotencyKey }));
      return ingress.result<string>(sent);
    },
  };
  return agent;
}

function portOf(server: Http2Server): number {
  return (server.address() as AddressInfo).port;
}

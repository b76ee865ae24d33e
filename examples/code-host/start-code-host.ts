import {
  startProtectedServer,
  type ProtectedServer,
  type ProtectedServerOptions,
} from '../protected-server/start-protected-server.ts';
import { CodeHostApi } from './code-host-api.ts';
import { deviceFlow, tokenFlow } from './code-host-flows.ts';
import { createCodeHostServer } from './code-host-tools.ts';
import { startStandIn, type StandIn } from './stand-in.ts';

export interface CodeHostExample extends ProtectedServer {
  readonly service: StandIn;
}

/** Starts the code host's stand-in, the authorization server, and the MCP server between them. */
export async function startCodeHostExample(options: ProtectedServerOptions): Promise<CodeHostExample> {
  await using starting = new AsyncDisposableStack();
  const service = starting.use(await startStandIn());
  const server = starting.use(
    await startProtectedServer('Code host tools', options, (oob) => {
      const api = new CodeHostApi(service.origin);
      const flows = {
        device: oob.flow('code-host-device', deviceFlow(service.origin)),
        token: oob.flow('code-host-token', tokenFlow(api)),
      };
      return () => createCodeHostServer({ oob, api, flows });
    }),
  );
  const started = starting.move();
  return { ...server, service, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

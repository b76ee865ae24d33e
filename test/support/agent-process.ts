/** One process of an agent host, which calls tools as its parent says, and serves the pages of sign-ins. */
import { openListener } from '../../demo/open-listener.ts';
import { ClientManager, findAuthorizationRequired, RemoteAuthCoordinator } from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { userOf } from './page-host.ts';

/** What a parent sends: calls to make at once, or a question for the status of the session. */
export type ToAgent = { readonly id: number; readonly contextId: string } & (
  | { readonly calls: number }
  | { readonly status: true }
);

/** What came of each call: the text, or the code of its error. */
export interface CallOutcome {
  readonly text?: string;
  readonly code?: string;
  readonly link?: string;
}

/** What an agent sends. */
export type FromAgent =
  | { readonly port: number }
  | { readonly id: number; readonly outcomes: readonly CallOutcome[] }
  | { readonly id: number; readonly status: string };

const [directory = '', publicUrl = '', calendarUrl = ''] = process.argv.slice(2);
const tell = (message: FromAgent): void => void process.send?.(message);

const storage = openLocalStorage(directory);
const coordinator = new RemoteAuthCoordinator({ storage, publicUrl, verifyUser: userOf });
const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator });
const { port } = await openListener({ handler: coordinator.fetch });

async function call(contextId: string): Promise<CallOutcome> {
  const client = await manager.getClient(contextId);
  try {
    const { content } = await client.callTool('whoami');
    return { text: (content as { text?: string }[])[0]?.text ?? '' };
  } catch (error) {
    const link = findAuthorizationRequired(error)?.challenge.url;
    return { code: findPosternError(error)?.code ?? String(error), ...(link !== undefined && { link }) };
  }
}

process.on('message', (message: ToAgent) => {
  void (async () => {
    const { id, contextId } = message;
    if ('status' in message) {
      const client = await manager.getClient(contextId);
      tell({ id, status: client.session('calendar').status });
    } else {
      const outcomes = await Promise.all(Array.from({ length: message.calls }, () => call(contextId)));
      tell({ id, outcomes });
    }
  })();
});
process.on('disconnect', () => process.exit(0));
tell({ port });

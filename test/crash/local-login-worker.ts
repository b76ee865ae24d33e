/**
 * A program at a terminal: one user, one store in a file, a sign-in that it waits for.
 *
 * `node local-login-worker.ts <directory> <calendarUrl>`. It says that it is ready, and begins when it is told to.
 */
import { Client, LocalAuthCoordinator } from '../../src/client/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';

/** What it tells its parent. */
export type FromProgram =
  | { ready: true }
  /** Opened in the person's browser. */
  | { link: string }
  /** Printed in the terminal. */
  | { printed: string }
  | { status: string }
  | { answered: string; tookMs: number }
  | { failed: string };

const [directory = '', calendarUrl = ''] = process.argv.slice(2);
const tell = (message: FromProgram): void => void process.send?.(message);

process.once('message', () => void main());
process.on('disconnect', () => process.exit(0));
tell({ ready: true });

async function main(): Promise<void> {
  const startedAtMs = performance.now();
  try {
    const storage = openLocalStorage(directory);
    const coordinator = new LocalAuthCoordinator({
      storage,
      leaseMs: 6_000,
      oauthTimeoutMs: 2_500,
      openBrowser: async (url) => {
        tell({ link: url });
        return true;
      },
      onLink: ({ url, opens }) => (opens ? undefined : tell({ printed: url })),
    });
    const client = new Client(
      { calendar: { url: calendarUrl } },
      { coordinator, contextId: 'me', onStatus: (_server, status) => tell({ status }) },
    );
    const { content } = await client.callTool('whoami');
    const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    tell({ answered: text, tookMs: Math.round(performance.now() - startedAtMs) });
  } catch (error) {
    tell({ failed: String((error as { code?: unknown }).code ?? error) });
  }
}

/**
 * An MCP server for the AT Protocol network: log in, read, search and post, with several accounts.
 *
 *   node examples/atproto-server/main.ts                   on stdio, for one person on this machine
 *   node examples/atproto-server/main.ts --http [--port N] over HTTP, for many people, who sign in to it first
 *
 * Environment: ATPROTO_FOLDER (where accounts are kept), and for another network than the public one ATPROTO_SERVICE,
 * ATPROTO_PLC_URL, ATPROTO_HANDLE_RESOLVER, and ATPROTO_PRIVATE=1 where that is on this machine.
 */
import { parseArgs } from 'node:util';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fixedNamespace } from '../../src/namespace/index.ts';
import { Oob, thisMachine } from '../../src/oob/index.ts';
import { openLocalStorage, openUserStorage } from '../../src/storage/local.ts';
import { startProtectedServer } from '../protected-server/start-protected-server.ts';
import { openAtprotoLogins, type AtprotoPlaces } from './atproto-logins.ts';
import { createAtprotoServer } from './atproto-server.ts';

const { values } = parseArgs({
  options: { http: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
});
const { env } = process;
const folder = env['ATPROTO_FOLDER'];
const places: AtprotoPlaces = {
  service: env['ATPROTO_SERVICE'],
  plcDirectoryUrl: env['ATPROTO_PLC_URL'],
  handleResolver: env['ATPROTO_HANDLE_RESOLVER'],
  isPrivate: env['ATPROTO_PRIVATE'] === '1',
};

if (values.http) await serveHttp(Number(values.port));
else serveOnStdio();

function serveOnStdio(): void {
  const storage = folder === undefined ? openUserStorage('atproto-server') : openLocalStorage(folder);
  const oob = new Oob({ storage, namespaces: fixedNamespace('me'), gate: thisMachine() });
  const logins = openAtprotoLogins(oob, places);
  serveStdio(() => createAtprotoServer(oob, logins));
  process.stdin.once('end', () => void oob.close().then(() => storage.close()));
}

async function serveHttp(port: number): Promise<void> {
  if (folder === undefined) throw new Error('set ATPROTO_FOLDER to where accounts are to be kept');
  const server = await startProtectedServer('AT Protocol', { directory: folder, port }, (oob) => {
    const logins = openAtprotoLogins(oob, places);
    return () => createAtprotoServer(oob, logins);
  });
  console.log(`The MCP server: ${server.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server[Symbol.asyncDispose]().then(() => process.exit()));
  }
}

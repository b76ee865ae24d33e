/** One process of an agent host that logs a context out when its parent says so, and may not live to see the end of it. */
import { ClientManager, RemoteAuthCoordinator } from '../../../src/client/index.ts';
import { openLocalStorage } from '../../../src/storage/local.ts';
import { userOf } from '../../support/page-host.ts';

const [directory = '', publicUrl = '', calendarUrl = ''] = process.argv.slice(2);

const coordinator = new RemoteAuthCoordinator({
  storage: openLocalStorage(directory),
  publicUrl,
  verifyUser: userOf,
});
const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator });
const client = await manager.getClient('alice');
process.on('disconnect', () => process.exit(0));
await client.logout();
process.send?.('logged out');

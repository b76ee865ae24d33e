import { accountAt, placeAlias } from '../client/account-alias.ts';
import type { ServerConfig } from '../client/server-config.ts';
import { credentialSegment } from '../interaction/credentials/may-hold.ts';
import { createNamespace, storageOf } from '../namespace/namespace.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { ownContext } from './own-context.ts';
import { nameOfUrl, urlOf } from './servers.ts';

/** More than anybody has sign-ins. */
const limit = 1_000;

/**
 * Gives servers that have a name now the sign-ins that were made at their addresses before they had one, of every account.
 * One that was made under the name stays. Processes that do this at once do it once.
 *
 * The records are moved as they are: a bridge does this before its first answer, and reads none.
 */
export async function takeOverSignIns(
  storage: StorageBackend,
  servers: Iterable<readonly [string, ServerConfig]>,
): Promise<void> {
  const named = [...servers].flatMap(([name, config]) => {
    const url = 'url' in config && typeof config.url === 'string' ? urlOf(config.url) : undefined;
    return url === undefined || nameOfUrl(url) === name ? [] : [{ name, url }];
  });
  if (named.length === 0) return;
  const records = storageOf(storage, createNamespace('client', ownContext)).namespace(credentialSegment);
  for (const { key, value, version, unreadable } of await records.list([], { limit })) {
    const [resource = '', placed = ''] = key.slice(records.prefix.length);
    const { server, alias } = accountAt(placed);
    const to = named.find(({ url }) => url.href === urlOf(resource)?.href && server === nameOfUrl(url));
    if (to === undefined || unreadable !== undefined) continue;
    const put = records.key([resource, placeAlias(to.name, alias)]);
    await records.commit([
      { put, value, expect: absent },
      { delete: key, expect: version },
    ]);
  }
}

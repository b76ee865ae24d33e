import { randomUUID } from 'node:crypto';
import { isPosternError } from '../../src/core/postern-error.ts';
import { decodePath } from '../../src/storage/keys.ts';
import type { Change, Key, StorageBackend } from '../../src/storage/contract.ts';
import { hashOf, type LoggedChange, type OperationLog, type RecordKind } from './operation-log.ts';

/** A store that writes down which versions its commits replaced, and which they made. Of values it says a status, or a hash. */
export function loggedStorage(backend: StorageBackend, log: OperationLog): StorageBackend {
  return {
    capabilities: backend.capabilities,
    get: (key) => backend.get(key),
    list: (prefix, page) => backend.list(prefix, page),
    signal: (channel) => backend.signal(channel),
    listen: (channel, wake) => backend.listen(channel, wake),
    close: () => backend.close(),
    ...(backend.now && { now: () => backend.now!() }),
    async commit(changes) {
      const logged = changes.map(describe);
      if (logged.every((change) => change === undefined)) return backend.commit(changes);
      const id = randomUUID();
      const ns = namespaceOf(changes[0]);
      log.say({ k: 'invoke', op: 'commit', id, ns });
      try {
        const versions = await backend.commit(changes);
        if (versions === undefined) {
          log.say({ k: 'fail', op: 'commit', id, ns, code: 'conflict' });
        } else {
          const made = logged.flatMap((change, index) =>
            change ? [{ ...change, version: versions[index] }] : [],
          );
          log.say({ k: 'ok', op: 'commit', id, ns, changes: made });
        }
        return versions;
      } catch (error) {
        log.say({ k: 'fail', op: 'commit', id, ns, code: isPosternError(error) ? error.code : 'unknown' });
        throw error;
      }
    },
  };
}

function describe(change: Change): LoggedChange | undefined {
  const key = keyOf(change);
  const kind = kindOf(key);
  if (kind === undefined) return undefined;
  const common = { key: key.join('/'), kind, expect: change.expect };
  if (!('put' in change)) return { ...common, isDelete: true };
  const record = JSON.parse(new TextDecoder().decode(change.value)) as {
    status?: string;
    credential?: { refreshToken?: string } | null;
  };
  const token = record.credential?.refreshToken;
  return { ...common, status: record.status, token: token === undefined ? undefined : hashOf(token) };
}

/** What sort of record stands under a path that begins so. */
const kinds: ReadonlyMap<string, RecordKind> = new Map<string, RecordKind>([
  ['attempt', 'attempt'],
  ['pending', 'pending'],
  ['continuation', 'continuation'],
  ['claim', 'claim'],
  ['credential', 'grant'],
  ['renewing', 'refresh-lease'],
]);

function kindOf([, first = '']: Key): RecordKind | undefined {
  return kinds.get(first);
}

function keyOf(change: Change): Key {
  return 'put' in change ? change.put : change.delete;
}

function namespaceOf(change: Change | undefined): string | undefined {
  const [kind, id] = change === undefined ? [] : decodePath(keyOf(change)[0]);
  return kind === 'client' ? id : undefined;
}

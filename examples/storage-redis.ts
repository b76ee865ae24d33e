/**
 * A store in Redis, sealed. Run it with a Redis on this machine: `node examples/storage-redis.ts`.
 *
 * `REDIS_URL` names another one. Nothing stays behind.
 */
import { createClient } from 'redis';
import { createKeyring, encrypted } from '../src/index.ts';
import { openRedis } from '../src/storage/redis/index.ts';

const client = createClient({ url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' });
client.on('error', (error) => console.error(`Redis: ${error.code ?? error.name}`));
await client.connect();

// A real program keeps its key: see keyringFromEnv.
const keyring = createKeyring([{ id: 'example', key: crypto.getRandomValues(new Uint8Array(32)) }]);
const store = encrypted(await openRedis({ client, prefix: 'postern-example' }), keyring);

const key = ['client:user:alice', 'pending', crypto.randomUUID()] as const;
const unlisten = await store.listen('pendings', () => console.log('woken: look into the store'));

const put = await store.commit([
  {
    put: key,
    value: new TextEncoder().encode('a secret'),
    expiresAtMs: Date.now() + 60_000,
    expect: 'absent',
  },
]);
console.log('put:', put?.[0]);
await store.signal('pendings');

const entry = await store.get(key);
console.log('read:', new TextDecoder().decode(entry?.value));
console.log(
  'in Redis:',
  (await client.get(`postern-example:{client:user:alice}:e:pending:${key[2]}`))?.slice(0, 30),
);

// Of many that try to take it by its version, one gets it.
const takes = await Promise.all(
  Array.from({ length: 10 }, () => store.commit([{ delete: key, expect: entry?.version }])),
);
console.log('taken:', takes.filter((done) => done !== undefined).length, 'of', takes.length, 'tries');

await unlisten();
await store.close();
await client.close();

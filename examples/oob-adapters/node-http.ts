/** A page of one’s own on bare `node:http`: `node examples/oob-adapters/node-http.ts`. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeListener } from '../../src/node/index.ts';
import { createApprovals } from './approvals.ts';

const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// Your own session check. Here: a header.
const { pendings, fetch: approvals } = createApprovals({
  origin,
  verifyUser: (request) => request.headers.get('x-user') ?? undefined,
});
server.on('request', nodeListener(approvals, { publicUrl: origin }));

const { url, pending } = await pendings.create(
  { token: 'alice' },
  { kind: 'approval', data: { question: 'Deploy?' } },
);
const waiting = pendings.waitFor(pending, { timeoutMs: 5_000 });
console.log('asked  alice whether to deploy');

const asBob = await fetch(url, { headers: { 'x-user': 'bob' } });
assert.equal(asBob.status, 404);
console.log('bob    is told that there is no such page');

await fetch(url, {
  method: 'POST',
  body: new URLSearchParams({ yes: '' }),
  headers: { 'x-user': 'alice', origin },
});
const { status, namespace } = await waiting;
assert.deepEqual([status, namespace.id], ['completed', 'alice']);
console.log('alice  has said yes, and whoever waited knows');
server.close();

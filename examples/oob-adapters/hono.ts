/** The pages of an out-of-band server, and one of one’s own, on Hono: `node examples/oob-adapters/hono.ts`. */
import assert from 'node:assert/strict';
import { Hono } from 'hono';
import { createNamespace, MemoryBackend } from '../../src/index.ts';
import { Oob, findInteractionRequired, secretForm } from '../../src/oob/index.ts';
import { createApprovals } from './approvals.ts';

const origin = 'http://127.0.0.1:8080';
// Your own session check. Here: a header.
const verifyUser = (request: Request): string | undefined => request.headers.get('x-user') ?? undefined;

const oob = new Oob({
  storage: new MemoryBackend(),
  namespaces: { resolve: async ({ token = '' }) => createNamespace('user', token) },
  publicUrl: `${origin}/oob`,
  verifyUser,
});
const { pendings, fetch: approvals } = createApprovals({ origin, verifyUser });

// Hono speaks fetch: there is nothing to adapt.
const app = new Hono();
app.all('/oob/*', (context) => oob.fetch(context.req.raw));
app.all('/approve/:id', async (context) => approvals(context.req.raw));

const login = oob.flow(
  'login',
  secretForm({ type: 'object', properties: { password: { type: 'string', writeOnly: true } } }),
);
const principal = await oob.principal({ token: 'alice' });
const error: unknown = await oob.credentials
  .acquire(principal, { resource: 'db.example', flow: login })
  .catch((reason: unknown) => reason);
const link = findInteractionRequired(error)?.interaction.url ?? '';
assert.equal((await app.request(link, { headers: { 'x-user': 'alice' } })).status, 200);
assert.equal((await app.request(link, { headers: { 'x-user': 'bob' } })).status, 404);
console.log('oob    serves its form to alice, and not to bob');

const { url } = await pendings.create(
  { token: 'alice' },
  { kind: 'approval', data: { question: 'Deploy?' } },
);
assert.equal((await app.request(url, { headers: { 'x-user': 'alice' } })).status, 200);
console.log('page   of one’s own is served beside it');
await oob.close();

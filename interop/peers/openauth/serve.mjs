// openauth with a provider of one page, over its file-backed memory store; it knows no registration, and does not
// advertise PKCE. Behind it an MCP server of SDK v2 that checks tokens with openauth's own client.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createClient } from '@openauthjs/openauth/client';
import { issuer } from '@openauthjs/openauth';
import { MemoryStorage } from '@openauthjs/openauth/storage/memory';
import { createSubjects } from '@openauthjs/openauth/subject';
import { getRequestListener } from '@hono/node-server';
import { z } from 'zod';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { loginPage } from '../../shared/pages.mjs';
import { createProtectedServer } from '../../shared/protected-server.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = `${origin}/mcp`;
const lifetimeSeconds = 300;
const subjects = createSubjects({ user: z.object({ name: z.string() }) });
const storage = MemoryStorage({ persist: join(directory, 'store.json') });

const authorization = issuer({
  subjects,
  storage,
  ttl: { access: lifetimeSeconds },
  allow: async () => true,
  providers: {
    name: {
      type: 'name',
      init(routes, context) {
        routes.get('/authorize', (request) => request.html(loginPage()));
        routes.post('/authorize', async (request) => {
          const form = await request.req.formData();
          return context.success(request, { name: form.get('user') });
        });
      },
    },
  },
  success: (context, { name }) => context.subject('user', { name }),
});

const client = createClient({ clientID: 'agent', issuer: origin });
const answerProtected = createProtectedServer({
  resource,
  issuer: origin,
  async findUser(token) {
    const verified = await client.verify(subjects, token);
    if (verified.err) return undefined;
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    return { user: verified.subject.properties.name, expiresAt: exp };
  },
});
const answer = getRequestListener((request) => authorization.fetch(request), {
  overrideGlobalObjects: false,
});
createServer((request, response) => answerProtected(request, response) || answer(request, response)).listen(
  Number(port),
  '127.0.0.1',
  () =>
    sayReady({
      url: resource,
      lifetimeSeconds,
      registers: false,
      allowsPkceUnadvertised: true,
      auth: { client: { clientId: 'agent' } },
    }),
);
answerCommands({
  async revoke() {
    // Access tokens are JWTs, which nobody can end.
    const kept = await Array.fromAsync(storage.scan(['oauth:refresh']));
    for (const [key] of kept) await storage.remove(key);
  },
});

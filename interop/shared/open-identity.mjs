import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createOidcServer } from './oidc-server.mjs';

/** oidc-provider on a port of its own, for a framework that only guards a resource. The same port after a restart. */
export async function openIdentityServer({ port, directory, resource, lifetimeSeconds }) {
  const itsPort = Number(port) + 5_000;
  const origin = `http://127.0.0.1:${itsPort}`;
  mkdirSync(join(directory, 'identity'), { recursive: true });
  const server = await createOidcServer({
    origin,
    directory: join(directory, 'identity'),
    resource,
    lifetimeSeconds,
  });
  await new Promise((resolve) =>
    createServer((request, response) => server.handle(request, response)).listen(
      itsPort,
      '127.0.0.1',
      resolve,
    ),
  );
  return {
    origin,
    revoke: () => server.revoke(),
    async verify(token) {
      const found = await server.provider.AccessToken.find(token);
      if (found === undefined || !found.isValid || found.aud !== resource)
        throw new Error('the token is not valid here');
      return { sub: found.accountId, exp: found.exp, client_id: found.clientId, scope: found.scope };
    },
  };
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ClientManager, RemoteAuthCoordinator } from '../../src/client/index.ts';
import { createOAuthHttp, createIntrospection, startDeviceAuthorization } from '../../src/oauth/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { forbiddenAddresses } from '../properties/hostile.ts';
import { devicePlan } from '../support/process-world.ts';
import { ProgrammableAuthorization, type CallKind } from '../support/programmable-authorization.ts';
import { codeOf } from '../support/stage.ts';

/** Where everything is, for the product: a public host, which answers without a network. */
const origin = 'https://public.example';

/** Every spelling, and those of this machine once more with the port of somebody who would answer. */
function addressesWith(port: number): string[] {
  const here = ['127.0.0.1', '0x7f.1', '2130706433', '0', 'localhost.', '[::ffff:127.0.0.1]', '①②⑦.0.0.1'];
  return [
    ...forbiddenAddresses,
    ...here.flatMap((host) => [`http://${host}:${port}/`, `https://${host}:${port}/`]),
  ];
}

interface Canary {
  readonly port: number;
  readonly addresses: readonly string[];
  readonly as: ProgrammableAuthorization;
  /** How many connections it got. */
  hits(): number;
  /** What was asked of anybody but the public host. It is really sent. */
  readonly strayed: string[];
  readonly fetch: (url: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
}

/** A listener on this machine that nobody may reach. */
async function openCanary(): Promise<Canary> {
  let hits = 0;
  const server = createServer((_request, response) => response.end('{}'));
  server.on('connection', () => hits++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const as = new ProgrammableAuthorization(origin);
  const strayed: string[] = [];
  return {
    port,
    addresses: addressesWith(port),
    as,
    hits: () => hits,
    strayed,
    fetch: async (url, init) => {
      const address = url instanceof Request ? url.url : String(url);
      if (new URL(address).origin === origin) return as.fetch(url, init);
      strayed.push(address);
      return fetch(url, init);
    },
  };
}

/** The code that a sign-in to the public server ends with. */
async function signInCode({ fetch: send }: Canary): Promise<string | undefined> {
  const coordinator = new RemoteAuthCoordinator({
    storage: new MemoryBackend(),
    publicUrl: 'https://host.example/postern',
    verifyUser: () => 'alice',
    fetch: send,
  });
  const manager = new ClientManager({ there: { url: `${origin}/mcp` } }, { coordinator, fetch: send });
  const client = await manager.getClient('alice');
  await client.connect();
  const { error } = client.session('there');
  await manager.close();
  return error?.code;
}

const signInFields: Record<string, (as: ProgrammableAuthorization, address: string) => void> = {
  'resource_metadata of a challenge': (as, address) =>
    as.on('resource', () => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer resource_metadata="${headerText(address)}"` },
    })),
  authorization_servers: (as, address) =>
    as.on('resource-metadata', () => ({ body: { resource: as.resource, authorization_servers: [address] } })),
  'a redirect of the resource’s metadata': (as, address) => redirect(as, 'resource-metadata', address),
  'a redirect of the issuer’s metadata': (as, address) => redirect(as, 'metadata', address),
  ...Object.fromEntries(
    [
      'authorization_endpoint',
      'token_endpoint',
      'registration_endpoint',
      'revocation_endpoint',
      'device_authorization_endpoint',
      'pushed_authorization_request_endpoint',
    ].map((field) => [
      field,
      (as: ProgrammableAuthorization, address: string) =>
        as.on('metadata', async (_call, standard) => {
          const reply = await standard();
          return 'body' in reply
            ? { ...reply, body: { ...(reply.body as object), [field]: address } }
            : reply;
        }),
    ]),
  ),
};

/** An address as a header can carry it. */
function headerText(address: string): string {
  return address.replaceAll(/[^\x21-\x7E]+/gu, encodeURIComponent);
}

function redirect(as: ProgrammableAuthorization, kind: CallKind, address: string): void {
  as.on(kind, () => ({ status: 302, headers: { location: headerText(address) } }));
}

describe('an agent that is told to go where it may not, by a public server,', () => {
  test.each(Object.keys(signInFields))('in %s, goes nowhere: nobody is connected to', async (field) => {
    const canary = await openCanary();
    for (const address of canary.addresses) {
      signInFields[field]!(canary.as, address);
      expect([address, await signInCode(canary)]).toEqual([address, 'ERR_POSTERN_OAUTH_URL_FORBIDDEN']);
    }
    expect([canary.strayed, canary.hits()]).toEqual([[], 0]);
    expect(canary.as.count('register') + canary.as.count('token')).toBe(0);
  });

  test('would be seen by the listener if it went', async () => {
    const canary = await openCanary();
    await canary.fetch(`http://2130706433:${canary.port}/`);
    expect([canary.strayed.length, canary.hits()]).toEqual([1, 1]);
  });
});

describe('a server that is told to go where it may not, by a public third party,', () => {
  test('shows no device page there, and asks nobody', async () => {
    const canary = await openCanary();
    const http = createOAuthHttp({ fetch: canary.fetch });
    for (const address of canary.addresses) {
      for (const field of ['verification_uri', 'verification_uri_complete']) {
        const pages = { verification_uri: `${origin}/enter`, [field]: address };
        canary.as.on('device', () => ({
          body: { device_code: 'd', user_code: 'ABCD-EFGH', expires_in: 60, ...pages },
        }));
        const code = await codeOf(startDeviceAuthorization(devicePlan(origin), http));
        expect([address, code]).toEqual([address, 'ERR_POSTERN_OAUTH_URL_FORBIDDEN']);
      }
    }
    expect([canary.strayed, canary.hits()]).toEqual([[], 0]);
  });

  test('sends no token there to be introspected, and no secret of its own', async () => {
    const canary = await openCanary();
    const http = createOAuthHttp({ fetch: canary.fetch });
    for (const endpoint of canary.addresses) {
      const create = async (): Promise<unknown> =>
        createIntrospection({ issuer: origin, endpoint, clientId: 'server', clientSecret: 'secret' }, http);
      expect([endpoint, await codeOf(create())]).toEqual([endpoint, 'ERR_POSTERN_OAUTH_URL_FORBIDDEN']);
    }
    expect([canary.strayed, canary.hits()]).toEqual([[], 0]);
  });
});

import { Server as ProxyServer } from 'proxy-chain';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Client, ClientManager } from '../../src/client/index.ts';
import { MemoryBackend } from '../../src/index.ts';
import { answerMessage, type RpcMessage } from '../support/minimal-mcp.ts';
import { codeOf, textOf } from '../support/stage.ts';
import { openServer, openTestNetwork } from './open-server.ts';
import { makeCertificate, nameOfClient, openTlsServer } from './tls-server.ts';

/** A proxy that counts what goes through it, and asks for a password where it has one. */
async function openProxy(password?: string): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const proxy = new ProxyServer({
    port: 0,
    host: '127.0.0.1',
    prepareRequestFunction: ({ hostname, port, username, password: given }) => {
      const isRight = password === undefined || (username === 'al' && given === password);
      if (isRight) seen.push(`${hostname}:${port}`);
      return { requestAuthentication: !isRight };
    },
  });
  await proxy.listen();
  onTestFinished(() => proxy.close(true));
  const user = password === undefined ? '' : `al:${password}@`;
  return { url: `http://${user}127.0.0.1:${proxy.port}`, seen };
}

describe('in the network of a company', () => {
  test('a server under its own authority is trusted where that is named, and nowhere else', async () => {
    const authority = await makeCertificate('authority');
    const url = await openTlsServer(authority);
    const refused = await openTestNetwork()
      .fetch(url)
      .catch((error: Error) => error.cause as { code?: string });
    expect(refused).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    const { fetch } = openTestNetwork({ ca: authority.cert });
    // The first request and the next one alike.
    for (let request = 0; request < 2; request++) expect((await fetch(url)).status).toBe(200);
  });

  test('a client shows its certificate where it has one', async () => {
    const [own, al] = await Promise.all([makeCertificate('server'), makeCertificate('al')]);
    const url = await openTlsServer(own, al);
    const clientCertificate = { cert: al.cert, key: al.private };
    const { fetch } = openTestNetwork({ ca: own.cert, clientCertificate });
    expect(await (await fetch(url)).text()).toBe('al');
    const plain = await openTestNetwork({ ca: own.cert })
      .fetch(url)
      .then(
        (answer) => answer.text(),
        (error: Error) => error.name,
      );
    expect(plain).toBe('TypeError');
  });

  test.each([undefined, 'CNRYzsecretz-proxy'])(
    'requests go through its proxy, with a password where it wants one (%s), and never to loopback',
    async (password) => {
      const proxy = await openProxy(password);
      const { fetch } = openTestNetwork({ proxy: proxy.url as 'http://proxy' });
      const here = await openServer((_, response) => response.end('direct'));
      expect(await (await fetch(here.origin)).text()).toBe('direct');
      expect(proxy.seen).toEqual([]);
      // Names that nothing resolves: the proxy is asked for them.
      for (const url of ['http://calendar.invalid/', 'https://calendar.invalid/']) {
        await fetch(url).then(
          (answer) => answer.body?.cancel(),
          () => {},
        );
      }
      expect(proxy.seen).toEqual(['calendar.invalid:80', 'calendar.invalid:443']);
    },
  );

  test('the proxy is the one that the environment names, but for what it excepts', async () => {
    const proxy = await openProxy();
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('HTTPS_PROXY', '');
    vi.stubEnv('NO_PROXY', 'excepted.invalid');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { fetch } = openTestNetwork({ proxy: 'environment' });
    for (const url of ['http://excepted.invalid/', 'http://calendar.invalid/', 'https://direct.invalid/'])
      await fetch(url).catch(() => {});
    expect(proxy.seen).toEqual(['calendar.invalid:80']);
  });

  test('what a proxy refuses is said without its password', async () => {
    const proxy = await openProxy('CNRYzsecretz-proxy');
    const wrong = proxy.url.replace('CNRYzsecretz-proxy', 'CNRYzsecretz-wrong');
    const { fetch } = openTestNetwork({ proxy: wrong as 'http://proxy' });
    const answer = await fetch('http://calendar.invalid/');
    expect([answer.status, proxy.seen]).toEqual([407, []]);
  });

  test('a client of ours keeps to all of it, for every server, and more for one of them', async () => {
    const [own, al] = await Promise.all([makeCertificate('server'), makeCertificate('al')]);
    const url = await openTlsServer(own, al, (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (request.method !== 'POST') return void response.writeHead(405).end();
        const call = () => nameOfClient(request);
        const message = JSON.parse(Buffer.concat(parts).toString()) as RpcMessage;
        const answer = answerMessage(message, { name: 'tls', tools: [{ name: 'whoami' }], call });
        if (answer === undefined) return void response.writeHead(202).end();
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
    const servers = {
      plain: { url },
      certified: { url, network: { clientCertificate: { cert: al.cert, key: al.private } } },
    };
    const client = new Client(servers, { network: { ca: own.cert }, versionNegotiation: 'legacy' });
    onTestFinished(() => client.close());
    expect(textOf(await client.callTool('whoami', {}, { server: 'certified' }))).toBe('al');
    expect(await codeOf(client.callTool('whoami', {}, { server: 'plain' }))).toMatch(/^ERR_POSTERN_CLIENT_/u);
    const manager = new ClientManager(servers, {
      storage: new MemoryBackend(),
      publicUrl: 'https://bot.example/postern',
      verifyUser: () => undefined,
      network: { ca: own.cert },
    });
    onTestFinished(() => manager.close());
    const alice = await manager.getClient('alice');
    expect(textOf(await alice.callTool('whoami', {}, { server: 'certified' }))).toBe('al');
  });
});

import { describe, expect, test } from 'vitest';
import { mayReachInside, type GuardedInit } from '../../src/http/guard.ts';
import type { Resolve } from '../../src/http/node/addresses.ts';
import { openNetwork } from '../../src/http/network.ts';
import { codeOf } from '../support/stage.ts';
import { openServer, openTestNetwork } from './open-server.ts';

const inside: GuardedInit = { [mayReachInside]: true };

/** A resolver of our own: each name has the answers that the test gives it, one after another. */
function resolving(names: Record<string, readonly (readonly string[])[]>): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (hostname, _, callback) => {
    const answers = names[hostname];
    const now = asked.filter((name) => name === hostname).length;
    asked.push(hostname);
    const addresses = answers?.[Math.min(now, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(resolve, { asked });
}

describe('a guarded network', () => {
  test.each([
    'http://169.254.169.254/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://0/',
    'http://[::]/',
    'http://[fe80::1]/',
    'http://224.0.0.1/',
  ])('never connects to a reserved address, even for what may go inside: %s', async (url) => {
    const { fetch } = openTestNetwork({ guard: {} });
    expect(await codeOf(fetch(url, inside))).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
  });

  test.each(['127.0.0.1', '0x7f.1', '2130706433', '127.1', '①②⑦.0.0.1', '017700000001'])(
    'connects to this machine only for what may go inside, however it is spelt: %s',
    async (host) => {
      const server = await openServer((_, response) => response.end('inside'));
      const url = `http://${host}:${server.port}/`;
      const { fetch } = openTestNetwork({ guard: {} });
      expect(await codeOf(fetch(url))).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
      expect(server.sockets() + server.requests()).toBe(0);
      expect(await (await fetch(url, inside)).text()).toBe('inside');
      // A connection that may be there for the one is never used for the other.
      expect(await codeOf(fetch(url))).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
      expect(server.requests()).toBe(1);
    },
  );

  test.each([
    ['10.0.0.1', ['10.0.0.1']],
    ['a private address', ['192.168.1.1']],
    ['this machine', ['127.0.0.1']],
    ['the cloud’s metadata', ['169.254.169.254']],
    ['a public address and a private one', ['93.184.216.34', '10.0.0.1']],
    ['an IPv6 form of a private one', ['::ffff:10.0.0.1']],
    ['a link-local one with its zone', ['fe80::1%lo']],
  ] as const)('does not connect to a name that resolves to %s', async (_what, addresses) => {
    const { fetch } = openTestNetwork({ guard: {} }, resolving({ 'public.example': [addresses] }));
    expect(await codeOf(fetch('http://public.example:1/'))).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
  });

  test('connects to the very address that it has judged: a name that changes meanwhile leads nowhere else', async () => {
    const server = await openServer((_, response) => response.end('here'));
    const resolve = resolving({ 'rebinding.example': [['127.0.0.1'], ['169.254.169.254']] });
    const { fetch } = openTestNetwork({ guard: {} }, resolve);
    const url = `http://rebinding.example:${server.port}/`;
    expect(await (await fetch(url, inside)).text()).toBe('here');
    expect(resolve.asked).toEqual(['rebinding.example']);
    server.server.closeAllConnections();
    await expect.poll(() => codeOf(fetch(url, inside)).catch(() => '')).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
  });

  test('connects to what its operator allows: a name, names below one, an address, a network', async () => {
    const server = await openServer((_, response) => response.end('allowed'));
    const resolve = resolving({
      'intranet.example': [['127.0.0.1']],
      'a.corp.example': [['127.0.0.1']],
      'corp.example': [['127.0.0.1']],
      'other.example': [['127.0.0.1']],
    });
    const at = (host: string): string => `http://${host}:${server.port}/`;
    const named = openTestNetwork({ guard: { allow: ['Intranet.example', '*.corp.example'] } }, resolve);
    for (const host of ['intranet.example', 'a.corp.example'])
      expect(await (await named.fetch(at(host))).text()).toBe('allowed');
    for (const host of ['corp.example', 'other.example', '127.0.0.1'])
      expect(await codeOf(named.fetch(at(host)))).toBe('ERR_POSTERN_NETWORK_FORBIDDEN');
    for (const allow of ['127.0.0.1', '127.0.0.0/8']) {
      const { fetch } = openTestNetwork({ guard: { allow: [allow] } }, resolve);
      expect(await (await fetch(at('127.0.0.1'))).text()).toBe('allowed');
      expect(await (await fetch(at('other.example'))).text()).toBe('allowed');
    }
  });

  test.each(['10.0.0.0/33', '10.0.0.0/', '300.1.1.1', 'http://a.example', '*', '10.0.0.0/x', '::1/129', ''])(
    'refuses to be opened with an allowance that is none: %j',
    (entry) => {
      expect(() => openNetwork({ guard: { allow: [entry] } })).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
      );
    },
  );
});

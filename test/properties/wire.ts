import assert from 'node:assert/strict';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { createOAuthHttp, type OAuthHttp } from '../../src/oauth/oauth-http.ts';
import { responseOf, type HostileReply } from './hostile.ts';

/** Long after every lifetime a case may name has begun. */
export const nowMs = 1_800_000_000_000;

export const issuer = 'https://issuer.example';
export const server = 'https://server.example/mcp';

/** A wire on which a stranger answers, and everything that was asked there. */
export interface Wire {
  readonly http: OAuthHttp;
  readonly asked: readonly string[];
}

/** @param answer what is answered to an address; an answer that is left out is 404. */
export function openWire(answer: (url: string) => HostileReply | undefined): Wire {
  const asked: string[] = [];
  const http = createOAuthHttp({
    clock: () => nowMs,
    fetch: async (url) => {
      checkIsPublic(url);
      asked.push(url);
      const reply = answer(url);
      return reply === undefined ? new Response(null, { status: 404 }) : responseOf(reply);
    },
  });
  return { http, asked };
}

/** The ranges by a list that is not ours. */
const inward = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  inward.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  inward.addSubnet(network, bits, 'ipv6');

/** @throws {AssertionError} when a public server could lead requests or browsers to this address. */
export function checkIsPublic(address: string): void {
  const { protocol, hostname, username, password } = new URL(address);
  assert.equal(protocol, 'https:', `${hostname} is asked over ${protocol}`);
  assert.equal(username + password, '', 'no user name is sent');
  const host = hostname.replaceAll(/[[\]]/gu, '');
  const isInward =
    (isIPv4(host) && inward.check(host, 'ipv4')) || (isIPv6(host) && inward.check(host, 'ipv6'));
  assert.ok(!isInward, `${hostname} is not public`);
  assert.ok(!/(?:^|\.)localhost\.*$/u.test(host), `${hostname} is this machine`);
}

/**
 * Loaded before every test file: fails the test in which a request leaves by another way than `src/http`.
 *
 * Looked at is who calls the global `fetch`, and who opens a connection; tests, fakes and drivers' libraries have sockets of
 * their own.
 */
import { Socket } from 'node:net';
import { afterAll, afterEach } from 'vitest';

const watched = Symbol.for('postern.test.one-network');
/** The way out; drivers, which are given their clients; and what looks at a certificate that the way out would refuse. */
const allowed = /\/src\/(?:http\/(?:network|node\/)|storage\/|doctor\/tls-probe)/u;
/** Of every test file of this process: what is watched is watched once. */
const key = Symbol.for('postern.test.ways-out');
const place = globalThis as { [key]?: string[] };
const found = (place[key] ??= []);

/** Whether it was source of ours, and not the one that may, that called. */
function look(what: string): void {
  const frames = new Error('who calls').stack?.split('\n').slice(1) ?? [];
  const caller = frames.find((line) => !line.includes('/one-network.ts') && !line.includes('node:')) ?? '';
  const isOurs = caller.includes('/src/') && !/\/node_modules\/|\.test\.ts/u.test(caller);
  if (isOurs && !allowed.test(caller)) found.push(`${what} ${caller.trim()}`);
}

const { fetch } = globalThis as { fetch: typeof globalThis.fetch & { [watched]?: true } };
if (fetch[watched] !== true) {
  const looking: typeof fetch = (input, init) => {
    look('fetch');
    return fetch(input, init);
  };
  globalThis.fetch = Object.assign(looking, { [watched]: true as const });
  const sockets = Socket.prototype as { connect: unknown };
  const connect = sockets.connect as (this: Socket, ...args: unknown[]) => Socket;
  sockets.connect = function connecting(this: Socket, ...args: unknown[]): Socket {
    look('a connection');
    return connect.apply(this, args);
  };
}

afterEach(assertOneNetwork);
afterAll(assertOneNetwork);

function assertOneNetwork(): void {
  const ways = found.splice(0);
  if (ways.length > 0) throw new Error(`a request left by a way of its own: ${ways.join(', ')}`);
}
